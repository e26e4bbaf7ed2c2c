// A service in Express with today's SDK for Node, set up as its documentation says.
//
//     node --import ./express_first.mjs express_app.mjs DSN      serves; prints its port first

import * as Sentry from "@sentry/node";
import express from "express";

const app = express();

app.get("/api/items", (_request, response) => {
  Sentry.startSpan({ op: "db", name: "select name from items" }, () => response.json(["shirt"]));
});
app.get("/api/pay", () => {
  throw new TypeError("total of undefined");
});
Sentry.setupExpressErrorHandler(app);
app.use((_error, _request, response, _next) => response.status(500).end());

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
