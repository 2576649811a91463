import type { Request } from 'express'
import { RelyingPartyError } from '../errors.js'
import { type Transaction, transactionValues } from '../protocol/transaction.js'
import type { Config } from '../setup/config.js'
import { loginUrl, startPage } from '../setup/urls.js'
import { emitRefused } from './signIn.js'
import type { FoundTransaction } from './transactionState.js'

/**
 * Reports a login that failed at the callback, and adds the way to try again to its error. A user who cancels at the
 * provider (`error=access_denied`) ends here with `ERR_AUTHORIZATION_DENIED`.
 */
export function failLogin(config: Config, req: Request, error: unknown, transaction: Transaction | undefined): unknown {
  const step = transaction && { provider: transaction.provider, transaction: transactionValues(transaction).id }
  emitRefused(config, error, step, req)
  if (error instanceof RelyingPartyError) {
    error.returnTo = transaction?.returnTo ?? startPage(config)
    error.retryUrl = loginUrl(config, transaction?.returnTo, namedProvider(transaction))
  }
  return error
}

/** Returns the provider's name for the URL of a retry. A single provider needs none. */
function namedProvider(transaction: Transaction | undefined): string | undefined {
  return transaction?.provider === 'default' ? undefined : transaction?.provider
}

/** The login took longer than `transactions.lifetime`. */
export function transactionExpired(): RelyingPartyError {
  return new RelyingPartyError('ERR_TRANSACTION_EXPIRED', 'the login took too long: start it again', {
    hint: 'the login was started more than transactions.lifetime ago',
  })
}

/** The response was delivered before, and no one is signed in. */
export function transactionConsumed(): RelyingPartyError {
  return new RelyingPartyError('ERR_TRANSACTION_CONSUMED', 'this login was already completed: start it again', {
    hint: 'its response was delivered before, but this browser is not signed in: a reload, a prefetch, or a login that failed',
  })
}

/** The response belongs to no login of this browser. */
export function transactionMissing(found: FoundTransaction['found']): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_TRANSACTION_MISSING',
    'this browser has no such login in progress: start it again',
    {
      hint:
        found === 'unreadable'
          ? 'the state cannot be decrypted: was relyingParty.secret changed (also list the old one), do two processes have ' +
            'different secrets, baseUrl or callbackPath, or did the provider truncate the state?'
          : 'likely causes: the login was started in another browser or at another host name than baseUrl; cookies are ' +
            'blocked; it was started more than transactions.lifetime ago; more than transactions.max were started since; ' +
            'relyingParty.secret was changed (also list the old one); or the page was opened from a bookmark',
    },
  )
}

/** The provider of the login is not configured any more. */
export function providerGone({ providers }: Config): RelyingPartyError {
  return new RelyingPartyError(
    'ERR_UNKNOWN_PROVIDER',
    'the provider of this login is no longer available: start it again',
    {
      hint:
        providers.source === 'resolver'
          ? 'relyingParty.provider returned another provider for this request. A response with form_post comes without the ' +
            "session's cookie: use the function's second argument, { name }, if there is one"
          : 'the name, issuer or clientId of the provider was changed while the login was in progress',
    },
  )
}
