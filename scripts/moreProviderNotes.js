// @ts-check

/**
 * What the pages about the presets say that are rows of facts only, without a section of their own in providerNotes.js.
 *
 * @typedef {object} ShortNotes
 * @property {'high' | 'medium' | 'low'} confidence how well the row is known: `low` has one source, or an old one
 * @property {'claim' | 'never' | 'none'} email whether the provider says that an address is verified; `none` without addresses
 * @property {string} [refresh] how to get refresh tokens, if it is not by default
 * @property {readonly string[]} [quirks] what else to know, as Markdown
 * @property {Record<string, string>} [values] options of the sample besides `clientId` and `clientSecret`
 * @property {false} [secret] the sample has no `clientSecret`
 */

const UNKNOWN = 'Not known to be issued.'

/** @type {Record<string, ShortNotes>} */
export const moreNotes = {
  anilist: { confidence: 'low', email: 'none', refresh: UNKNOWN },
  asana: { confidence: 'low', email: 'never' },
  asgardeo: { confidence: 'medium', email: 'claim', values: { organization: 'acme' } },
  atlassian: {
    confidence: 'high',
    email: 'never',
    refresh: 'Add the scope `offline_access`. Refresh tokens rotate.',
    quirks: ['Atlassian asks every user for consent at every login, as its API requires (`prompt=consent`).'],
  },
  authelia: {
    confidence: 'low',
    email: 'claim',
    quirks: ['The claims come from UserInfo: ID tokens leave them out by default.'],
    values: { url: 'https://login.example.com' },
  },
  authentik: {
    confidence: 'high',
    email: 'claim',
    quirks: ['For logouts that start at authentik, mount `backchannelLogout()` (authentik 2025.8 and later).'],
    values: { url: 'https://auth.example.com', application: 'app' },
  },
  autodesk: { confidence: 'medium', email: 'claim' },
  azureB2c: {
    confidence: 'medium',
    email: 'claim',
    quirks: ['Closed to new customers: Entra External ID, with `microsoft()`, is the successor.'],
    values: { tenant: 'acme', tenantId: '8eaef023-2b34-4da1-9baa-8bc8c9d6a490', policy: 'B2C_1_signin' },
  },
  bankidNorway: {
    confidence: 'high',
    email: 'none',
    quirks: ["`loginHint: 'BIS'` selects the method BankID with biometrics."],
  },
  battlenet: {
    confidence: 'high',
    email: 'none',
    quirks: ["For China, set `issuer: 'https://oauth.battlenet.com.cn'`."],
  },
  bitbucket: {
    confidence: 'medium',
    email: 'claim',
    quirks: [
      'The scopes are those of the OAuth consumer, whatever a login requests.',
      'The address comes from a second request.',
    ],
  },
  box: {
    confidence: 'high',
    email: 'never',
    refresh: 'Every login has one. It is used once, and lasts 60 days.',
  },
  clerk: { confidence: 'low', email: 'claim', values: { domain: 'example.clerk.accounts.dev' } },
  clickup: {
    confidence: 'medium',
    email: 'never',
    refresh: UNKNOWN,
    quirks: ['Access tokens do not expire, and there are no scopes.'],
  },
  coinbase: { confidence: 'medium', email: 'never' },
  concept2: { confidence: 'medium', email: 'never' },
  criipto: {
    confidence: 'low',
    email: 'claim',
    quirks: [
      '`acrValues` chooses the identity, such as `urn:grn:authn:dk:mitid:substantial`.',
      'Claims may contain a national identity number: store only what you need, by `onLogin`.',
    ],
    values: { domain: 'example.criipto.id' },
  },
  descope: { confidence: 'medium', email: 'claim', values: { projectId: 'P2abc' } },
  digitalocean: { confidence: 'medium', email: 'claim' },
  donationalerts: { confidence: 'medium', email: 'never' },
  dribbble: { confidence: 'medium', email: 'none', refresh: UNKNOWN },
  dropbox: {
    confidence: 'medium',
    email: 'claim',
    refresh: "`authorizationParams: { token_access_type: 'offline' }`.",
  },
  duende: { confidence: 'medium', email: 'claim', values: { url: 'https://login.example.com' } },
  epicgames: { confidence: 'medium', email: 'none' },
  faceit: { confidence: 'medium', email: 'never' },
  figma: {
    confidence: 'high',
    email: 'never',
    refresh:
      'Figma refreshes tokens at another address than it issues them, which the preset does not use: users sign in again.',
  },
  fortyTwo: { confidence: 'medium', email: 'never' },
  freshbooks: { confidence: 'medium', email: 'never' },
  frontegg: { confidence: 'medium', email: 'claim', values: { domain: 'app-abc.frontegg.com' } },
  fusionauth: { confidence: 'medium', email: 'claim', values: { url: 'https://login.example.com' } },
  gitea: {
    confidence: 'medium',
    email: 'claim',
    quirks: ['Forgejo works alike; Codeberg is `https://codeberg.org`.'],
    values: { url: 'https://login.example.com' },
  },
  gumroad: { confidence: 'medium', email: 'never', refresh: UNKNOWN },
  heroku: { confidence: 'medium', email: 'claim' },
  huggingface: { confidence: 'high', email: 'claim' },
  intuit: { confidence: 'medium', email: 'claim' },
  kakao: {
    confidence: 'medium',
    email: 'never',
    quirks: ['Switch OpenID Connect on in the settings of the application.'],
  },
  kick: { confidence: 'high', email: 'never' },
  kinde: {
    confidence: 'medium',
    email: 'claim',
    refresh: 'Add the scope `offline`.',
    values: { domain: 'example.kinde.com' },
  },
  lichess: {
    confidence: 'high',
    email: 'never',
    refresh: UNKNOWN,
    quirks: [
      'Lichess needs no registration: `clientId` is any name that identifies your application.',
      'The address comes from a second request, which the scope `email:read` allows.',
    ],
    secret: false,
  },
  linear: { confidence: 'high', email: 'never' },
  livechat: { confidence: 'medium', email: 'claim' },
  loginGov: {
    confidence: 'medium',
    email: 'claim',
    quirks: [
      'The client identifies itself by PKCE only, which Login.gov accepts in place of a key.',
      "For the sandbox, set `issuer: 'https://idp.int.identitysandbox.gov/'`.",
    ],
    secret: false,
  },
  logto: {
    confidence: 'medium',
    email: 'claim',
    refresh: 'Every login has one: the preset asks for consent, which Logto requires for that.',
    values: { url: 'https://login.example.com' },
  },
  mastodon: {
    confidence: 'medium',
    email: 'none',
    refresh: UNKNOWN,
    quirks: [
      'An application is registered at each instance. For any instance, return `mastodon({ url, … })` from a function as `provider`.',
      "Before Mastodon 4.3, set `scope: 'read:accounts'`.",
    ],
    values: { url: 'https://login.example.com' },
  },
  mattermost: { confidence: 'medium', email: 'claim', values: { url: 'https://login.example.com' } },
  mercadolibre: {
    confidence: 'medium',
    email: 'never',
    quirks: [
      'Each country has its own sign-in page: set `authorizationEndpoint`, such as `https://auth.mercadolibre.com.ar/authorization`.',
      'Switch PKCE on in the settings of the application.',
    ],
  },
  mercadopago: {
    confidence: 'medium',
    email: 'never',
    quirks: ['Switch PKCE on in the settings of the application.'],
  },
  naver: {
    confidence: 'high',
    email: 'never',
    quirks: ['What the application gets is chosen in the console of Naver, not by scopes.'],
  },
  netlify: { confidence: 'medium', email: 'never', refresh: UNKNOWN },
  nextcloud: {
    confidence: 'medium',
    email: 'never',
    quirks: ['Nextcloud has no scopes: tokens may do everything that the user may.'],
    values: { url: 'https://login.example.com' },
  },
  notion: {
    confidence: 'high',
    email: 'never',
    refresh: UNKNOWN,
    quirks: ['Users choose which pages the integration may read.'],
  },
  onelogin: { confidence: 'medium', email: 'claim', values: { domain: 'example.onelogin.com' } },
  openstreetmap: { confidence: 'low', email: 'none' },
  ory: {
    confidence: 'medium',
    email: 'claim',
    quirks: ['The issuer must be written exactly as in its metadata: with a slash at the end, set `issuer`.'],
    values: { url: 'https://login.example.com' },
  },
  osu: { confidence: 'medium', email: 'none' },
  patreon: { confidence: 'medium', email: 'claim' },
  paypal: {
    confidence: 'medium',
    email: 'claim',
    quirks: ['What the application gets is chosen in the dashboard, besides the scopes.'],
  },
  pingone: { confidence: 'medium', email: 'claim', values: { environmentId: 'd7f1ab3c' } },
  pinterest: { confidence: 'medium', email: 'none' },
  pipedrive: {
    confidence: 'medium',
    email: 'never',
    quirks: [
      'The scopes are those of the app in the Marketplace Manager.',
      'APIs are at the `api_domain` of the token response, which `onLogin` gets.',
    ],
  },
  polar: { confidence: 'high', email: 'claim' },
  railway: { confidence: 'medium', email: 'claim' },
  reddit: {
    confidence: 'high',
    email: 'none',
    refresh: "`authorizationParams: { duration: 'permanent' }`.",
    quirks: ['The picture of the answer is escaped for HTML, so the preset leaves it out.'],
  },
  riotgames: { confidence: 'medium', email: 'none' },
  roblox: { confidence: 'high', email: 'none' },
  salesforce: {
    confidence: 'high',
    email: 'claim',
    quirks: ['APIs are at the `instance_url` of the token response, which `onLogin` gets.'],
  },
  seznam: { confidence: 'medium', email: 'never' },
  simplelogin: { confidence: 'medium', email: 'claim' },
  strava: { confidence: 'high', email: 'none', refresh: 'Every login has one. Refresh tokens rotate.' },
  synology: { confidence: 'medium', email: 'claim', values: { url: 'https://login.example.com' } },
  threads: { confidence: 'medium', email: 'none', refresh: UNKNOWN },
  tiltify: { confidence: 'medium', email: 'never' },
  todoist: { confidence: 'medium', email: 'never', refresh: UNKNOWN },
  tumblr: { confidence: 'medium', email: 'none' },
  uber: { confidence: 'low', email: 'never' },
  vercel: { confidence: 'medium', email: 'claim' },
  vimeo: { confidence: 'medium', email: 'none', refresh: UNKNOWN },
  vipps: { confidence: 'high', email: 'claim', quirks: ['The claims come from UserInfo.'] },
  webex: { confidence: 'medium', email: 'never' },
  wikimedia: { confidence: 'medium', email: 'claim' },
  wordpress: { confidence: 'medium', email: 'claim', refresh: UNKNOWN },
  xero: { confidence: 'low', email: 'claim' },
  yahoo: { confidence: 'medium', email: 'claim', quirks: ['Redirect URIs must be https.'] },
  yahooJapan: { confidence: 'low', email: 'claim' },
  yandex: { confidence: 'medium', email: 'never' },
  zoho: {
    confidence: 'medium',
    email: 'never',
    refresh: "`authorizationParams: { access_type: 'offline' }`.",
    quirks: ['Accounts of other data centers, such as zoho.eu, need `issuer` and the endpoints of that data center.'],
  },
  zoom: { confidence: 'high', email: 'claim', quirks: ['The scopes must be those of the app at Zoom.'] },
}
