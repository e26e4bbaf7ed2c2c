// Starts the SDK before anything else is loaded, so that it can follow what is.

import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.argv[2], tracesSampleRate: 1, release: "shop-web@3.0" });
