// Starts the SDK before any other module is loaded, so that it can instrument them.

import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2], tracesSampleRate: 1, release: "shop-web@3.0" });
