// oidc-provider, a certified implementation, for the tests of package auth: it shares no code with Sallyport. It prints its issuer as one line of
// JSON and ends when its standard input does. Who asks is signed in as /control/account said last; claims are at userinfo only.
import { generateKeyPair, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { Provider } from 'oidc-provider'

const [redirectURI, clientSecret, logoutURI] = process.argv.slice(2)
let account = { sub: 'nobody' }
let provider

const cookieKeys = [randomBytes(32).toString('hex')]

async function jwks() {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomBytes(8).toString('hex') }] }
}

async function make(issuer) {
  const client = (id) => ({
    client_id: id,
    client_secret: clientSecret,
    redirect_uris: [redirectURI],
    post_logout_redirect_uris: [new URL('/sign-in', redirectURI).href],
    ...(id === 'sallyport' && { backchannel_logout_uri: logoutURI, backchannel_logout_session_required: true }),
    grant_types: ['authorization_code'],
    response_types: ['code'],
  })
  const made = new Provider(issuer, {
    clients: [client('sallyport'), client('another')],
    jwks: await jwks(),
    cookies: { keys: cookieKeys },
    claims: { openid: ['sub'], profile: ['name', 'groups', 'realm_access'], email: ['email', 'email_verified'] },
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }), // its own refuses loopback, where the test is
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ ...account, sub: id }) }),
    ttl: { IdToken: 120, AccessToken: 120, AuthorizationCode: 60, Interaction: 600, Grant: 600, Session: 600 },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  made.on('backchannel.error', (_ctx, err) => console.error('back-channel logout:', err))
  return made
}

async function body(req) {
  let text = ''
  for await (const chunk of req) text += chunk
  return text
}

const server = createServer(async (req, res) => {
  try {
    if (req.url === '/control/account') {
      account = JSON.parse(await body(req))
      res.end()
    } else if (req.url === '/control/rotate') {
      provider = await make(issuer)
      res.end()
    } else if (req.url.startsWith('/interaction/')) {
      await provider.interactionFinished(req, res, { login: { accountId: account.sub, remember: false } }, { mergeWithLastSubmission: false })
    } else {
      provider.callback()(req, res)
    }
  } catch (err) {
    res.statusCode = 500
    res.end(String(err))
  }
})

await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
const issuer = `http://127.0.0.1:${server.address().port}`
provider = await make(issuer)
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
console.log(JSON.stringify({ issuer }))
