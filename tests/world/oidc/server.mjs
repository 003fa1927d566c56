// A certified OpenID provider for the end-to-end tests, with its own login pages. Any name signs in with any password; the subject is the
// name. As is its default, e-mail and groups are in userinfo only: a portal that reads ID tokens alone gets neither.
//
// Usage: node server.mjs ISSUER CLIENT_SECRET REDIRECT_URI CERT_FILE KEY_FILE
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import Provider from '../../../auth/testdata/oidc-provider/node_modules/oidc-provider/lib/index.js' // installed once, for the tests of package auth too

const [issuer, secret, redirect, certFile, keyFile] = process.argv.slice(2)
const { hostname, port } = new URL(issuer)

const provider = new Provider(issuer, {
  clients: [{ client_id: 'sallyport', client_secret: secret, redirect_uris: [redirect], grant_types: ['authorization_code'] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  pkce: { required: () => true },
  cookies: { keys: [secret] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id[0].toUpperCase() + id.slice(1),
      email: `${id}@corp.example`,
      email_verified: true,
      groups: id === 'admin' ? ['owners', 'staff'] : ['staff'],
    }),
  }),
  ttl: { Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600 },
})

createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, provider.callback()).listen(Number(port), hostname, () => {
  console.log(`provider is up at ${issuer}`)
})
