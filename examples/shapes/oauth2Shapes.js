// @ts-check

/** @typedef {import('./shapes.js').Shape} Shape */

/** OAuth 2.0 providers, whose APIs tell who the user is. @type {Record<'amazon' | 'discord' | 'facebook' | 'spotify' | 'x', Shape>} */
export const oauth2Shapes = {
  amazon: {
    authorize: '/ap/oa',
    token: '/auth/o2/token',
    scopeSeparator: ' ',
    api: { '/me': ({ number, name, email }) => ({ user_id: `amzn1.account.${number}`, name, email }) },
  },

  discord: {
    authorize: '/oauth2/authorize',
    token: '/api/oauth2/token',
    scopeSeparator: ' ',
    clientAuth: 'basic',
    iss: true,
    api: {
      '/me': ({ number, login, name, email }) => ({
        id: String(number),
        username: login,
        global_name: name,
        avatar: null,
        email,
        verified: true,
      }),
    },
  },

  facebook: {
    authorize: '/v24.0/dialog/oauth',
    token: '/v24.0/oauth/access_token',
    scopeSeparator: ',',
    // Errors are objects.
    tokens: ({ error, ...response }) =>
      error === undefined ? response : { error: { message: 'The code was used.', type: 'OAuthException', code: 100 } },
    api: {
      '/me': ({ number, name }) => ({
        id: String(number),
        name,
        picture: { data: { url: 'https://images.example/1' } },
      }),
    },
  },

  spotify: {
    authorize: '/authorize',
    token: '/api/token',
    scopeSeparator: ' ',
    clientAuth: 'basic',
    api: {
      '/me': ({ number, login, name, email }) => ({
        account_id: `acc_${number}`,
        id: login,
        display_name: name,
        email,
        images: [],
      }),
    },
  },

  x: {
    authorize: '/i/oauth2/authorize',
    token: '/2/oauth2/token',
    scopeSeparator: ' ',
    clientAuth: 'basic',
    errors: [400, 'invalid_request', 'unauthorized_client'],
    api: { '/me': ({ number, login, name }) => ({ data: { id: String(number), username: login, name } }) },
  },
}
