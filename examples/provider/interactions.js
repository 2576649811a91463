// @ts-check
import express from 'express'
import { approvalPage, errorPage, sendToExpress, signInPage } from './pages.js'

/** @typedef {import('oidc-provider').Interaction} Interaction */
/** @typedef {import('./users.js').User} User */

/**
 * Returns the routes of the sign-in and approval pages that oidc-provider redirects the browser to.
 *
 * @param {import('oidc-provider').Provider} provider
 * @param {{ users: User[], title: string, autoSignIn: string | undefined }} options
 */
export function interactionRoutes(provider, { users, title, autoSignIn }) {
  const router = express.Router()
  const form = express.urlencoded({ extended: false, limit: '8kb' })

  /** @param {unknown} id */
  const findUser = (id) => users.find((user) => user.id === id)

  router.get('/interaction/:uid', async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    const { prompt, params } = interaction
    if (autoSignIn !== undefined) {
      const user = findUser(params.login_hint) ?? findUser(autoSignIn)
      await provider.interactionFinished(req, res, await answer(interaction, user))
      return
    }
    const client = await provider.Client.find(String(params.client_id))
    const request = { title, interaction, appName: client?.clientName ?? String(params.client_id) }
    sendToExpress(
      res,
      prompt.name === 'login' ? signInPage(request, users) : approvalPage(request, signedInUser(interaction)),
    )
  })

  router.post('/interaction/:uid/sign-in', form, async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    const user = findUser(req.body?.user)
    if (interaction.prompt.name !== 'login' || !user) return res.redirect(303, `/interaction/${interaction.uid}`)
    await provider.interactionFinished(req, res, await answer(interaction, user))
  })

  router.post('/interaction/:uid/approve', async (req, res) => {
    const interaction = await provider.interactionDetails(req, res)
    if (interaction.prompt.name !== 'consent') return res.redirect(303, `/interaction/${interaction.uid}`)
    await provider.interactionFinished(req, res, await answer(interaction, undefined))
  })

  router.post('/interaction/:uid/deny', async (req, res) => {
    const denial = { error: 'access_denied', error_description: 'The user denied the request.' }
    await provider.interactionFinished(req, res, denial, { mergeWithLastSubmission: false })
  })

  router.use('/interaction', handleError)

  /**
   * @param {Interaction} interaction
   * @param {User | undefined} user who signs in, if the prompt is `login`
   * @returns {Promise<import('oidc-provider').InteractionResults>}
   */
  async function answer(interaction, user) {
    if (interaction.prompt.name === 'login') {
      if (!user) throw new Error('autoSignIn is not a known user.')
      return { login: { accountId: user.id, ...requestedAcr(interaction) } }
    }
    return { consent: { grantId: await grant(interaction, signedInUser(interaction)) } }
  }

  /** @param {Interaction} interaction */
  function signedInUser(interaction) {
    const user = findUser(interaction.session?.accountId)
    if (!user) throw new Error('The approval page requires a signed-in user.')
    return user
  }

  /**
   * Grants the requested scopes that the user may use. The others are rejected, so that `scope` lacks them.
   *
   * @param {Interaction} interaction
   * @param {User} user
   */
  async function grant({ prompt: { details }, params, grantId }, user) {
    const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
    const grant = existing ?? new provider.Grant({ accountId: user.id, clientId: String(params.client_id) })
    const denied = new Set(user.deniedScopes)

    for (const scope of strings(details.missingOIDCScope)) {
      if (denied.has(scope)) grant.rejectOIDCScope(scope)
      else grant.addOIDCScope(scope)
    }
    for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
      for (const scope of strings(scopes)) {
        if (denied.has(scope)) grant.rejectResourceScope(resource, scope)
        else grant.addResourceScope(resource, scope)
      }
    }
    if (details.missingOIDCClaims) grant.addOIDCClaims(strings(details.missingOIDCClaims))
    if (Array.isArray(details.rar)) for (const detail of details.rar) grant.addRar(detail)
    return grant.save()
  }

  /**
   * @param {{ error?: string } | undefined} error
   * @param {express.Request} _req
   * @param {express.Response} res
   * @param {express.NextFunction} next
   */
  function handleError(error, _req, res, next) {
    const expired = error?.error === 'invalid_request'
    if (res.headersSent) next(error)
    else
      sendToExpress(
        res,
        errorPage(title, {
          error: expired ? 'This page is no longer valid' : 'server_error',
          error_description: expired
            ? 'The request was already completed or has expired. Go back to the application and sign in again.'
            : 'The provider failed to process the request. Go back to the application and sign in again.',
        }),
        expired ? 400 : 500,
      )
  }

  return router
}

/**
 * Returns the `acr` that the application asked for. This provider cannot authenticate anyone, so it claims any.
 *
 * @param {Interaction} interaction
 */
function requestedAcr({ params, prompt: { details } }) {
  const essential = /** @type {{ value?: string, values?: string[] } | undefined} */ (details.acr)
  const acr = essential?.value ?? essential?.values?.[0] ?? String(params.acr_values ?? '').split(' ')[0]
  return acr ? { acr } : {}
}

/**
 * @param {unknown} value
 * @returns {string[]}
 */
function strings(value) {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
