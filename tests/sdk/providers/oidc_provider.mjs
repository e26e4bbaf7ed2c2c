// npm's oidc-provider, strict about PKCE and redirect URIs, with its own login and consent pages.
// node oidc_provider.mjs PORT BASE_URL_OF_PLAYHEAD IN_TOKEN (yes: claims stand in the ID token)
import { Provider } from "oidc-provider";

const [port, baseUrl, inToken] = process.argv.slice(2);
const claims = {
  email: "ada@example.com", email_verified: true, name: "Ada Lovelace", groups: ["mobile"],
};
const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "playhead",
    client_secret: "a secret between two servers",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [`${baseUrl}/sign-in/openid/callback`],
    post_logout_redirect_uris: [`${baseUrl}/sign-in`],
  }],
  claims: { openid: ["sub", "groups"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: inToken !== "yes",
  cookies: { keys: ["of a test"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
  issueRefreshToken: () => true,
});
provider.listen(Number(port), "localhost", () => console.log("ready"));
