// @ts-check

/**
 * What a page about a preset says beyond its row.
 *
 * @typedef {object} Notes
 * @property {string} where where to register the application, as Markdown
 * @property {Record<string, string>} [options] options of the sample besides `clientId` and `clientSecret`, as code
 * @property {Record<string, unknown>} [values] the same as values
 * @property {false} [secret] the sample has no `clientSecret`
 * @property {string} [redirect] what to know about redirect URIs
 * @property {string} [credentials] where the client identifier and secret come from
 * @property {string} refresh how to get refresh tokens
 * @property {string} logout what a logout does at the provider
 * @property {string} email whether addresses are verified
 * @property {readonly string[]} quirks what else to know, as Markdown
 * @property {readonly string[]} [unverified] what has a single source, or none that is recent
 */

const LOOPBACK = 'For development, `http://localhost:3000/callback/ID` can be registered as well.'
export const LOCAL_LOGOUT = 'It has none: `logout()` ends the session of your application only.'
const RP_LOGOUT = 'RP-initiated logout. Register `<baseUrl>/` as the post-logout redirect URI.'
const CLAIM = 'The claim `email_verified` says so.'
const NEVER = '`email_verified` is always `false`: the provider does not say.'

/** @type {Record<string, Notes>} */
export const notes = {
  google: {
    where:
      '[Google Cloud console](https://console.cloud.google.com/apis/credentials): create an OAuth client ID of the type "Web application"',
    redirect: LOOPBACK,
    refresh: '`offline: true`. Google then asks every user for consent.',
    logout: LOCAL_LOGOUT,
    email: CLAIM,
    quirks: [
      "`hostedDomain: 'example.com'` admits accounts of that Google Workspace only. It is enforced by the verified claim `hd`; the parameter of that name, which users can change, only preselects accounts.",
      'Tokens are not revoked at logout: that would end the whole grant, and ask the user for consent again.',
      'Until the consent screen is published, only test users can sign in.',
    ],
  },
  microsoft: {
    where:
      '[Microsoft Entra admin center](https://entra.microsoft.com): App registrations, New registration, platform "Web"',
    options: { tenant: "'common'" },
    values: { tenant: 'common' },
    redirect: LOOPBACK,
    refresh: "`scope: 'openid profile email offline_access'`",
    logout: RP_LOGOUT,
    email:
      'Only with the optional claim `xms_edov` or `email_verified`. Otherwise an address may be anything that an administrator wrote.',
    quirks: [
      "`tenant` is a tenant's ID for one organization, `'organizations'` for all, `'consumers'` for personal accounts, `'common'` for everyone. `tenants` limits it to some organizations, by the verified claim `tid`.",
      'The claim `iss` names the tenant of the user. It has to be the template of the metadata, filled with `tid`; the check is never turned off.',
      '`oid` identifies the user in the tenant and in Microsoft Graph; `sub` is different for every application.',
      '`authority` is for national clouds.',
    ],
    unverified: ['National clouds.'],
  },
  apple: {
    where:
      '[Apple Developer](https://developer.apple.com/account/resources/identifiers): an App ID with Sign in with Apple, a Services ID, and a key',
    options: { teamId: "'A1B2C3D4E5'", keyId: "'F6G7H8I9J0'", privateKey: "process.env.APPLE_PRIVATE_KEY ?? ''" },
    values: { teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0' },
    secret: false,
    redirect:
      "Only https, and no `localhost`: develop behind a tunnel with a domain of your own. The response is a cross-site POST, so mount `app.all('/callback/:provider', callback())`.",
    credentials:
      '`clientId` is the Services ID. There is no secret to copy: the preset makes one from the private key, and a new one before it expires.',
    refresh: 'Issued at the first exchange of a code; it does not expire.',
    logout: LOCAL_LOGOUT,
    email: 'The claim `email_verified` says so, as a boolean: the preset converts the text that Apple may send.',
    quirks: [
      'The name comes once, at the first login of a user, in the form post, and unsigned. Store it in `onLogin`; it is what users want to be called, and proves nothing.',
      '`is_private_email` is `true` for an address that Apple forwards.',
      'When a user deletes their account, Apple demands that tokens are revoked. `logout()` does not revoke them, since that ends the consent: set `revokeOnLogout: true` if you want that.',
    ],
    unverified: ['Whether Apple checks the code verifier of PKCE: it does not announce that it does.'],
  },
  github: {
    where: '[GitHub developer settings](https://github.com/settings/developers): a new OAuth app, or a GitHub App',
    redirect: `${LOOPBACK} An OAuth app has a single callback URL, a GitHub App several.`,
    refresh:
      'An OAuth app gets access tokens that do not expire. A GitHub App refreshes them if they are set to expire.',
    logout: LOCAL_LOGOUT,
    email: 'Yes: the preset reads the primary address, and whether GitHub verified it, from `/user/emails`.',
    quirks: [
      '`sub` is the numeric ID as a string. The login name, `preferred_username`, can change hands.',
      '`baseUrl` is the URL of GitHub Enterprise Server, or of Enterprise Cloud at `ghe.com`. It becomes part of the issuer, so accounts of different servers stay apart.',
      'GitHub answers failed token requests with status 200. The preset turns them into errors.',
    ],
    unverified: ['GitHub Enterprise Server and `ghe.com`.'],
  },
  gitlab: {
    where:
      '[GitLab](https://gitlab.com/-/user_settings/applications), or the same page of your instance: a new application with the scopes `openid`, `profile` and `email`',
    redirect: LOOPBACK,
    refresh: 'Every login has a refresh token; access tokens last two hours.',
    logout:
      'It ends the session of your application only, unless the metadata of the instance has an `end_session_endpoint`.',
    email: CLAIM,
    quirks: [
      '`baseUrl` is the URL of your own instance, and the issuer.',
      '`sub` is the numeric ID as a string. Libraries that use the REST API have the same ID as a number.',
    ],
    unverified: ['Instances that are mounted below a path.'],
  },
  facebook: {
    where:
      '[Meta for Developers](https://developers.facebook.com/apps): a new app with Facebook Login, and its setting "Valid OAuth Redirect URIs"',
    redirect: 'https is required, except for `localhost` while the app is in development.',
    refresh: 'There is none. Access tokens last about 60 days.',
    logout: LOCAL_LOGOUT,
    email: `${NEVER} Users without a confirmed address have none.`,
    quirks: [
      '`version` is the version of the Graph API; versions expire after about two years.',
      '`appSecretProof`, on by default, proves to the Graph API that the request comes from your server.',
      '`sub` is different for every app.',
    ],
    unverified: ['PKCE, which Facebook documents for its OpenID Connect flow only.'],
  },
  linkedin: {
    where:
      '[LinkedIn Developers](https://www.linkedin.com/developers/apps): a new app with the product "Sign In with LinkedIn using OpenID Connect"',
    redirect: LOOPBACK,
    refresh: 'Only for approved partners.',
    logout: LOCAL_LOGOUT,
    email: CLAIM,
    quirks: [
      'LinkedIn returns no `nonce` and refuses PKCE unless your app has it switched on. The preset sends neither; the login is bound to the browser by `state` and its cookie.',
      'Closing its page (`user_cancelled_login`) counts as cancelling.',
    ],
  },
  discord: {
    where: '[Discord Developer Portal](https://discord.com/developers/applications): a new application, section OAuth2',
    redirect: LOOPBACK,
    refresh: 'Every login has one; access tokens last a week.',
    logout: LOCAL_LOGOUT,
    email: 'The claim `email_verified` is what Discord calls `verified`.',
    quirks: [
      'Every response must carry `iss`, which Discord announces; one without it is refused.',
      'Tokens are not revoked at logout: that would end the sessions of the user on other devices.',
    ],
    unverified: ['PKCE together with a client secret.'],
  },
  x: {
    where:
      '[X Developer Console](https://console.x.com): an app with user authentication, type "Web App", a confidential client',
    redirect:
      'X compares the whole URI. For development register `http://127.0.0.1:3000/callback/x`, and use that address in `baseUrl`: X advises against `localhost`.',
    credentials: 'Copy the client ID and the client secret of OAuth 2.0, not the API key and its secret.',
    refresh: 'Add the scope `offline.access`; access tokens last two hours.',
    logout: LOCAL_LOGOUT,
    email:
      'With the scope `users.email`, which the settings of the app must allow too. It is one that X has confirmed.',
    quirks: [
      'X limits how often the profile may be read; it is read once per login.',
      'The profile can only be read with both `users.read` and `tweet.read`.',
    ],
  },
  slack: {
    where: '[Slack API](https://api.slack.com/apps): a new app, section "OAuth & Permissions"',
    redirect: 'Only https.',
    refresh: 'There is none for sign-in.',
    logout: LOCAL_LOGOUT,
    email: CLAIM,
    quirks: [
      "`team: 'T0123456789'` admits members of one workspace only, by a verified claim.",
      "PKCE is off: switching it on in Slack turns the app into a public client for good. If you did, set `pkce: 'required'` and `clientAuth: 'none'`.",
      'The claims `https://slack.com/user_id` and `https://slack.com/team_id` identify user and workspace in the API.',
    ],
  },
  spotify: {
    where: '[Spotify for Developers](https://developer.spotify.com/dashboard): a new app',
    redirect:
      'For development register `http://127.0.0.1:3000/callback/spotify`, and use that address in `baseUrl`: Spotify refuses `localhost`.',
    refresh: 'Every login has one; access tokens last an hour.',
    logout: LOCAL_LOGOUT,
    email: NEVER,
    quirks: [
      '`sub` is `account_id`, which Spotify asks to use in place of `id`.',
      'In development mode only five users can sign in, and the address may be missing.',
    ],
    unverified: ['`account_id`, which Spotify announced in May 2026.'],
  },
  twitch: {
    where:
      '[Twitch developer console](https://dev.twitch.tv/console/apps): register an application of the type "Confidential"',
    redirect: LOOPBACK,
    refresh: 'Every login has one; access tokens last about four hours.',
    logout: LOCAL_LOGOUT,
    email: CLAIM,
    quirks: ['Claims besides `sub` have to be asked for by the parameter `claims`, which the preset does.'],
    unverified: ['PKCE, which Twitch does not document.'],
  },
  amazon: {
    where:
      '[Login with Amazon](https://developer.amazon.com/loginwithamazon/console/site/lwa/overview.html): a security profile, Web Settings',
    redirect: LOOPBACK,
    refresh: 'Every login has one; access tokens last an hour.',
    logout: LOCAL_LOGOUT,
    email: NEVER,
    quirks: ['This is for customers of the shop. For users of AWS user pools, see [Cognito](cognito.md).'],
    unverified: ['The endpoints, whose source is older than 2026.', 'The regional hosts for Europe and Asia.'],
  },
  line: {
    where:
      '[LINE Developers console](https://developers.line.biz/console/): a provider, and a channel of the type "LINE Login"',
    redirect: LOOPBACK,
    credentials: '`clientId` is the channel ID, `clientSecret` the channel secret.',
    refresh: 'Every login has one; access tokens last 30 days.',
    logout: LOCAL_LOGOUT,
    email: `${NEVER} Addresses need an approval by LINE, and then the scope \`openid profile email\`.`,
    quirks: [
      'ID tokens are signed with the channel secret (HS256): whoever knows it can also issue them. Channels of apps with the LINE SDK use ES256; set `idTokenSigningAlg` for those.',
    ],
  },
  auth0: {
    where: '[Auth0 dashboard](https://manage.auth0.com): a new application of the type "Regular Web Application"',
    options: { domain: "'example.eu.auth0.com'" },
    values: { domain: 'example.eu.auth0.com' },
    redirect: 'Add it to "Allowed Callback URLs".',
    refresh: 'Add the scope `offline_access`, and allow it for the application.',
    logout:
      'RP-initiated logout, or `/v2/logout` where the tenant has it switched off. Add `<baseUrl>/` to "Allowed Logout URLs".',
    email: CLAIM,
    quirks: [
      '`audience` requests an access token for your API, as a JWT.',
      '`organization` admits members of one organization only, by a verified claim.',
      'The issuer ends with a slash. If you use a custom domain, that is the `domain`.',
    ],
    unverified: ['`/v2/logout`.'],
  },
  okta: {
    where: 'the Admin Console of your organization: Applications, Create App Integration, "OIDC", "Web Application"',
    options: { domain: "'example.okta.com'" },
    values: { domain: 'example.okta.com' },
    redirect: LOOPBACK,
    refresh: 'Allow the grant type for the application, and add the scope `offline_access`.',
    logout: RP_LOGOUT,
    email: CLAIM,
    quirks: [
      "`authorizationServer: 'default'` uses a custom authorization server. Only its access tokens can be verified by your API; those of the organization itself are opaque.",
      'The profile comes from UserInfo: next to an access token, ID tokens leave most of it out.',
    ],
    unverified: ['`default`, which some organizations lack.'],
  },
  keycloak: {
    where: 'the admin console of your server: Clients, Create client, with client authentication on',
    options: { url: "'https://login.example.com'", realm: "'customers'" },
    values: { url: 'https://login.example.com', realm: 'customers' },
    redirect: LOOPBACK,
    refresh: 'Every login has one. `offline_access` makes it last beyond the session at Keycloak.',
    logout: RP_LOGOUT,
    email: CLAIM,
    quirks: [
      'Roles are in the claims `realm_access.roles` and `resource_access.<client>.roles` of the access token.',
      'Before Keycloak 17, `url` ends in `/auth`.',
      'For logouts that start at Keycloak, mount `backchannelLogout()` and enter its URL in the client.',
    ],
  },
  cognito: {
    where:
      '[Amazon Cognito console](https://console.aws.amazon.com/cognito): a user pool with a domain, and an app client with a secret',
    options: { region: "'eu-central-1'", userPoolId: "'eu-central-1_AbCdEfGhI'", domain: "'example'" },
    values: { region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', domain: 'example' },
    redirect: LOOPBACK,
    refresh: 'Every login has one. It is replaced only where rotation is switched on.',
    logout: 'Its own `/logout`. Register `<baseUrl>/` as a sign-out URL.',
    email: 'The claim `email_verified` says so, as a boolean: the preset converts the text that Cognito may send.',
    quirks: [
      '`domain` is the prefix of the pool, or its custom domain.',
      'Access tokens have no `aud`, but a `client_id`.',
    ],
  },
  zitadel: {
    where: 'the console of your instance: a project, and an application of the type "Web"',
    options: { url: "'https://example.zitadel.cloud'" },
    values: { url: 'https://example.zitadel.cloud' },
    redirect: `${LOOPBACK} Switch on the development mode for that.`,
    refresh: 'Allow the grant type for the application, and add the scope `offline_access`.',
    logout: RP_LOGOUT,
    email: CLAIM,
    quirks: [
      'Roles are in the claim `urn:zitadel:iam:org:project:roles`, if the project asserts them, or with the scope `urn:zitadel:iam:org:project:role:<key>` for each.',
      'The profile comes from UserInfo: ID tokens leave it out unless the application is set to include it.',
    ],
    unverified: ['The claims and scopes of roles.'],
  },
}
