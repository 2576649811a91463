// @ts-check

/** @typedef {import('express-relying-party').RelyingPartyEvent} Event */
/** @typedef {import('express-relying-party').Auth} Auth */
/** @typedef {import('./steps.js').LoginLog} LoginLog */

/**
 * One step of a login.
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {string} path the sender and the receiver
 * @property {number} [time] in milliseconds since the epoch
 * @property {string} text
 * @property {[name: string, value: string][]} facts
 * @property {[name: string, protection: string][]} guards
 */

/**
 * Returns the steps of a login in order, from its events and what the user may do now.
 *
 * @param {LoginLog} log
 * @param {Auth} auth
 * @returns {Step[]}
 */
export function walkThrough(log, auth) {
  return log.events.flatMap((event) => stepsFor(event, log, auth))
}

/**
 * @param {Event} event
 * @param {LoginLog} log
 * @param {Auth} auth
 * @returns {Step[]}
 */
function stepsFor(event, log, auth) {
  switch (event.type) {
    case 'login.started':
      return [request(event, log)]
    case 'login.response':
      return [approval(event, log), code(event)]
    case 'login.tokens':
      return [tokens(event)]
    case 'login.verified':
      return [verification(event, log)]
    case 'session.opened':
      return [session(event), access(log, auth)]
    case 'access.refused':
      return [refusal(event)]
    default:
      return []
  }
}

/**
 * @template {Event['type']} T
 * @typedef {Extract<Event, { type: T }>} EventOf
 */

/**
 * @param {EventOf<'login.started'>} event
 * @param {LoginLog} log
 * @returns {Step}
 */
function request(event, { discovered }) {
  return {
    title: 'Request',
    path: 'App → your browser → provider',
    time: event.time,
    text: 'The app redirected your browser to the provider with the list of scopes it needs and three random values for this login.',
    facts: [
      ['Provider', event.issuer],
      ['Requested', event.scope],
      ['Response mode', event.responseMode],
      ...(discovered ? [fact('Metadata', `fetched ${clock(discovered.time)}, cached for later logins`)] : []),
    ],
    guards: [
      ['state', 'A response injected by someone else matches no login that your browser started, and is rejected.'],
      ['nonce', 'An ID token replayed from another login has a different nonce, and is rejected.'],
      ['PKCE', 'A stolen code is useless without its verifier, which only the app and the provider see.'],
    ],
  }
}

/**
 * @param {EventOf<'login.response'>} event
 * @param {LoginLog} log
 * @returns {Step}
 */
function approval(event, { events }) {
  const started = events.find(({ type }) => type === 'login.started')
  return {
    title: 'Approval',
    path: 'You ↔ provider',
    text: 'You signed in at the provider and approved the request. The app could not see any of it.',
    facts: started ? [['Time there', duration(event.time - started.time)]] : [],
    guards: [
      ['Sign-in at the provider', 'Only the provider sees your password. (This demo has none.)'],
      ['Approval', 'The app gets only what you approve and are allowed to grant.'],
    ],
  }
}

/**
 * @param {EventOf<'login.response'>} event
 * @returns {Step}
 */
function code({ time, via }) {
  const byPost = via === 'POST'
  return {
    title: 'Code',
    path: 'Provider → your browser → app',
    time,
    text: byPost
      ? 'Your browser returned a code in a form POST, so it does not appear in URLs, the history or logs.'
      : 'Your browser returned a code in the URL. It expires soon and works only once.',
    facts: [['Returned by', byPost ? 'POST (form_post)' : 'GET (query)']],
    guards: [
      ['iss', 'The response identifies the provider that sent it, so two providers cannot be mixed up.'],
      ['One response per login', 'A response that is delivered again is rejected.'],
    ],
  }
}

/**
 * @param {EventOf<'login.tokens'>} event
 * @returns {Step}
 */
function tokens({ time, tokenType, scope, expiresIn, hasRefreshToken, hasIdToken }) {
  return {
    title: 'Tokens',
    path: 'App ↔ provider',
    time,
    text: 'The app exchanged the code for tokens directly with the provider, using its client secret. The tokens never pass through your browser.',
    facts: [
      ['Access token', `${tokenType}${expiresIn === undefined ? '' : `, valid for ${duration(expiresIn * 1000)}`}`],
      ['Refresh token', hasRefreshToken ? 'yes, kept on the server' : 'no'],
      ['ID token', hasIdToken ? 'yes' : 'no'],
      ['Granted', scope],
    ],
    guards: [
      ['Client authentication', 'No one else can redeem the code as this app.'],
      ['Short lifetime', 'A leaked access token expires soon. The refresh token stays on the server.'],
    ],
  }
}

/**
 * @param {EventOf<'login.verified'>} event
 * @param {LoginLog} log
 * @returns {Step}
 */
function verification({ time, alg, subject, checks }, { keys }) {
  return {
    title: 'Verification',
    path: 'App',
    time,
    text: 'The app verified the ID token before it stored anything from this login.',
    facts: [
      ['Subject', subject],
      ['Signed with', alg ?? 'no ID token'],
      ['Checked', checks.join(', ')],
      ...(keys?.type === 'keys.fetched'
        ? [fact("Provider's keys", `${keys.count}, fetched ${clock(keys.time)}, cached for later logins`)]
        : []),
    ],
    guards: [
      ['Signature', 'Only the provider can have issued the token.'],
      ['iss and aud', 'A token from another provider, or for another app, is rejected.'],
      ['exp and nonce', 'An expired token, or one from another login, is rejected.'],
    ],
  }
}

/**
 * @param {EventOf<'session.opened'>} event
 * @returns {Step}
 */
function session({ time }) {
  return {
    title: 'Session',
    path: 'App → your browser',
    time,
    text: 'The app opened a session. Your browser keeps its ID in a cookie; the tokens are stored encrypted on the server.',
    facts: [],
    guards: [
      ['New session ID', 'A session ID planted in your browser before the login is replaced (session fixation).'],
      ['Encrypted tokens', 'Read access to the session store does not reveal your tokens.'],
    ],
  }
}

/**
 * @param {LoginLog} log
 * @param {Auth} auth
 * @returns {Step}
 */
function access({ events }, { scopes }) {
  const started = events.find((event) => event.type === 'login.started')
  const withheld = (started?.scope.split(' ') ?? []).filter((scope) => !scopes.includes(scope))
  return {
    title: 'Access',
    path: 'Your browser → app',
    text: scopes.includes('reports:read')
      ? 'From now on the app checks each request against the granted scopes. You can open the reports.'
      : 'From now on the app checks each request against the granted scopes. You cannot open the reports.',
    facts: [['Granted', scopes.join(' ')], ...(withheld.length > 0 ? [fact('Not granted', withheld.join(' '))] : [])],
    guards: [
      ['requireAuth', 'Only signed-in users can open the page. Others sign in first and then return to it.'],
      ['requireScope', 'Being signed in is not enough if a page requires a scope.'],
    ],
  }
}

/**
 * @param {EventOf<'access.refused'>} event
 * @returns {Step}
 */
function refusal({ time, code: reason, missing }) {
  return {
    title: 'Refusal',
    path: 'App → your browser',
    time,
    text: 'You opened a page that requires a scope you do not have, and the app denied access.',
    facts: [['Code', reason], ...(missing.length > 0 ? [fact('Missing', missing.join(' '))] : [])],
    guards: [],
  }
}

/**
 * @param {string} name
 * @param {string} value
 * @returns {[name: string, value: string]}
 */
function fact(name, value) {
  return [name, value]
}

/** @param {number} time in milliseconds since the epoch */
function clock(time) {
  return `at ${new Date(time).toTimeString().slice(0, 8)}`
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`
  return `${Math.round(milliseconds / 60_000)} min`
}
