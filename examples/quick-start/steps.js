// @ts-check

/** @typedef {import('express-relying-party').RelyingPartyEvent} Event */
/** @typedef {Event['type']} EventType */

/**
 * What is known of one login.
 *
 * @typedef {object} LoginLog
 * @property {Event[]} events of this login and of the session it opened
 * @property {Event | undefined} discovered the provider's metadata, read at this login or before
 * @property {Event | undefined} keys the provider's keys, likewise
 */

const maxLogins = 200
const maxEvents = 40

/**
 * Collects the library's events by login, for the page that tells what happened. The oldest logins give way.
 *
 * The public id of a login goes into the session it opens, so that the browser finds its own login again.
 */
export function createStepLog() {
  /** @type {Map<string, Event[]>} */
  const logins = new Map()
  /** @type {Partial<Record<EventType, Event>>} */
  const latest = {}

  /**
   * @param {Event} event
   * @param {import('express').Request} [req]
   */
  function record(event, req) {
    latest[event.type] = event
    if (event.type === 'session.opened' && req) req.session.transaction = event.transaction
    const transaction = 'transaction' in event ? event.transaction : req?.session?.transaction
    if (transaction !== undefined) append(transaction, event)
  }

  /**
   * @param {string} transaction
   * @param {Event} event
   */
  function append(transaction, event) {
    const events = logins.get(transaction) ?? []
    logins.set(transaction, [...events, event].slice(0, maxEvents))
    const [oldest] = logins.keys()
    if (oldest !== undefined && logins.size > maxLogins) logins.delete(oldest)
  }

  /**
   * Finds the login that opened a session.
   *
   * @param {Partial<import('express-session').SessionData>} session
   * @returns {LoginLog}
   */
  function of({ transaction }) {
    const events = (transaction === undefined ? undefined : logins.get(transaction)) ?? []
    return { events, discovered: latest['provider.discovered'], keys: latest['keys.fetched'] }
  }

  return { record, of }
}
