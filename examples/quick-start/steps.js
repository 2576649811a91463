// @ts-check

/** @typedef {import('express-relying-party').RelyingPartyEvent} Event */
/** @typedef {Event['type']} EventType */

/**
 * The events of one login, for the page that explains it.
 *
 * @typedef {object} LoginLog
 * @property {Event[]} events of this login and the session it opened
 * @property {Event | undefined} discovered when the provider's metadata was fetched, at this login or earlier
 * @property {Event | undefined} keys when the provider's keys were fetched, at this login or earlier
 */

const maxLogins = 200
const maxEvents = 40

/**
 * Collects the library's events by login, for the page that explains what happened. The oldest logins are dropped.
 *
 * The public ID of a login is kept in the session it opens, so that each browser sees its own login.
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
