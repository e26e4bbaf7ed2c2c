// npm's oauth2-mock-server, which sends everybody back at once, always as the same account.
// node oauth2_mock_server.mjs PORT
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
server.service.on("beforeTokenSigning", (token) => {
  Object.assign(token.payload, {
    email: "ada@example.com", email_verified: true, name: "Ada Lovelace", groups: ["mobile"],
  });
});
await server.start(Number(process.argv[2]), "localhost");
console.log("ready");
