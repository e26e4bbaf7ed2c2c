// A backend with an old major version of Node's SDK, called by a recorded app.
//
//     node node_7.cjs DSN SENTRY_TRACE BAGGAGE      prints the ids of what it sent, as JSON

const Sentry = require("sentry-node-7");

const [dsn, sentryTrace, baggage] = process.argv.slice(2);

async function main() {
  Sentry.init({ dsn, release: "shop-api@1.0", tracesSampleRate: 1 });
  const sent = { version: Sentry.SDK_VERSION };
  Sentry.startSession();
  Sentry.captureSession();
  Sentry.continueTrace({ sentryTrace, baggage }, (context) => {
    Sentry.startSpan({ ...context, name: "POST /pay", op: "http.server" }, () => {
      Sentry.startSpan({ name: "select", op: "db" }, () => {});
      Sentry.withScope((scope) => {
        scope.addAttachment({ filename: "stock.bin", data: new Uint8Array([0, 10, 13, 255]) });
        sent.error = Sentry.captureException(new TypeError("total of undefined"));
      });
    });
  });
  Sentry.endSession();
  await Sentry.close(20_000);
  console.log(JSON.stringify(sent));
}

main();
