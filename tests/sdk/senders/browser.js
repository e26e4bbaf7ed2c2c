// A shop's page with today's SDK for browsers: it records itself, fails and reports.
// Its address names the DSN: ?dsn=…

import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: new URLSearchParams(location.search).get("dsn") ?? "",
  release: "shop-web@4.0",
  environment: "staging",
  tracesSampleRate: 1,
  replaysSessionSampleRate: 1,
  enableLogs: true,
  integrations: [
    Sentry.replayIntegration({ maskAllText: false, minReplayDuration: 0 }),
    Sentry.browserTracingIntegration(),
  ],
  beforeSend: (event) => (event.message === "drop me" ? null : event),
});

/** Click Pay as a person does, and fail. */
async function visit() {
  const button = document.querySelector("button");
  button.addEventListener("click", async () => {
    button.textContent = "Paying …";
    await fetch("/package.json");
    Sentry.logger.warn("paying is slow", { seconds: 3 });
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: "cart.txt", data: "one shirt" });
      Sentry.captureException(new Error("payment failed: HTTP 500"));
    });
    Sentry.captureFeedback({ message: "paying fails", name: "Ada", email: "ada@example.com" });
    Sentry.captureMessage("drop me");
    await Sentry.getReplay().flush();
    await Sentry.flush(10_000);
    document.title = "sent";
  });
  button.click();
}

await visit();
