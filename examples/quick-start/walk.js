// @ts-check

/** @typedef {import('express-relying-party').RelyingPartyEvent} Event */
/** @typedef {import('express-relying-party').Auth} Auth */
/** @typedef {import('./steps.js').LoginLog} LoginLog */

/**
 * One step of the walk through a login.
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {string} path who speaks to whom
 * @property {number} [time] in milliseconds since the epoch
 * @property {string} text
 * @property {[name: string, value: string][]} facts
 * @property {[name: string, protection: string][]} guards
 */

/**
 * Tells the steps of a login in their order, from the events and from what the user may do now.
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
    text: 'The app sent your browser to the provider with the list of what it needs, and with three values made by chance for this one login.',
    facts: [
      ['Provider', event.issuer],
      ['Asked for', event.scope],
      ['Answer by', event.responseMode],
      ...(discovered ? [fact('Metadata read', `${clock(discovered.time)}, kept for later logins`)] : []),
    ],
    guards: [
      ['state', 'An answer that someone else slips into your browser belongs to no login begun here, and is refused.'],
      ['nonce', 'An ID token from another login, played again, does not carry the value of this one.'],
      ['PKCE', 'A stolen code is worth nothing without its verifier, which never leaves the app.'],
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
    text: 'You said who you are and approved the request. The app saw nothing of it.',
    facts: started ? [['Time there', duration(event.time - started.time)]] : [],
    guards: [
      ['Sign-in at the provider', 'Your password, if there were one, would be known in one place only.'],
      ['Approval', 'The app gets what you agree to, and of that only what you have a right to.'],
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
      ? 'Your browser brought back a code, posted as a form: it stands in no URL, no history and no log.'
      : 'Your browser brought back a code in the URL. It is valid for a short time and works once.',
    facts: [['Came by', byPost ? 'POST (form_post)' : 'GET (query)']],
    guards: [
      ['iss', 'The answer names the provider it comes from, so that two providers cannot be mixed up.'],
      ['One answer per login', 'The same answer, delivered twice, is refused the second time.'],
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
    text: 'The app exchanged the code for tokens, directly and with its own secret. They never pass through your browser.',
    facts: [
      ['Access token', `${tokenType}${expiresIn === undefined ? '' : `, valid for ${duration(expiresIn * 1000)}`}`],
      ['Refresh token', hasRefreshToken ? 'yes, kept on the server' : 'no'],
      ['ID token', hasIdToken ? 'yes' : 'no'],
      ['Granted', scope],
    ],
    guards: [
      ['Client authentication', 'Nobody else can use the code in the name of this app.'],
      ['Short life', 'An access token that leaks is soon worthless; what renews it stays on the server.'],
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
    text: 'The app checked the ID token before it kept anything of this login.',
    facts: [
      ['Subject', subject],
      ['Signed with', alg],
      ['Checked', checks.join(', ')],
      ...(keys?.type === 'keys.fetched'
        ? [fact("Provider's keys", `${keys.count}, fetched ${clock(keys.time)} and kept for later logins`)]
        : []),
    ],
    guards: [
      ['Signature', 'Only the provider can have written the token.'],
      ['iss and aud', 'A token of another provider, or made for another app, is refused.'],
      ['exp and nonce', 'So is an old token, and one from another login.'],
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
    text: 'The app opened a session. Your browser holds its ID in a cookie; the tokens lie encrypted on the server.',
    facts: [],
    guards: [
      ['New session ID', 'An ID that someone planted in your browser before the login does not become yours.'],
      ['Encrypted tokens', 'Whoever reads the session store does not get at your tokens.'],
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
      ? 'From now on each request is judged by what was granted. You may open the reports.'
      : 'From now on each request is judged by what was granted. You may not open the reports.',
    facts: [['Granted', scopes.join(' ')], ...(withheld.length > 0 ? [fact('Withheld', withheld.join(' '))] : [])],
    guards: [
      ['requireAuth', 'A page for users is for users only; others are sent to sign in and come back.'],
      ['requireScope', 'Being signed in is not enough where a page needs a scope.'],
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
    text: 'You opened a page that needs more than was granted, and the app refused it.',
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
