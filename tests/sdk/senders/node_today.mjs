// A backend with today's SDK for Node, called by a recorded app.
//
//     node node_today.mjs DSN SENTRY_TRACE BAGGAGE      prints the ids of what it sent, as JSON

import * as Sentry from "@sentry/node";

const [dsn, sentryTrace, baggage] = process.argv.slice(2);

Sentry.init({
  dsn,
  release: "shop-api@3.0",
  tracesSampleRate: 1,
  enableLogs: true,
  beforeSend: (event) => (event.message === "drop me" ? null : event),
});

const sent = { version: Sentry.SDK_VERSION };

Sentry.startSession();
Sentry.captureSession();
Sentry.continueTrace({ sentryTrace, baggage }, () => {
  Sentry.startSpan({ name: "POST /pay", op: "http.server" }, () => {
    Sentry.startSpan({ name: "select", op: "db" }, () => {});
    Sentry.logger.warn("stock is low", { left: 3 });
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: "stock.bin", data: new Uint8Array([0, 10, 13, 255]) });
      sent.error = Sentry.captureException(new TypeError("total of undefined"));
    });
    sent.feedback = Sentry.captureFeedback({ message: "paying fails", associatedEventId: sent.error });
  });
});
Sentry.captureMessage("drop me");
Sentry.metrics.count("payments", 1);
Sentry.captureCheckIn({ monitorSlug: "nightly", status: "ok" });
Sentry.endSession();
await Sentry.flush(20_000);
await Sentry.close(20_000);
console.log(JSON.stringify(sent));
