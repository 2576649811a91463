// @ts-check

/**
 * A user who can sign in here.
 *
 * @typedef {object} User
 * @property {string} id the `sub` claim
 * @property {string} about the description on the sign-in page
 * @property {string[]} [deniedScopes] scopes that are never granted
 * @property {{ name: string, [claim: string]: unknown }} claims returned for the scopes `profile`, `email`, `phone` and
 *   `address`
 */

/** @type {User[]} */
export const demoUsers = [
  {
    id: 'ada',
    about: 'Can read and write reports',
    claims: {
      ...nameClaims('Ada', 'Lovelace'),
      email: 'ada@example.com',
      email_verified: true,
      phone_number: '+44 20 7946 0001',
      phone_number_verified: true,
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      address: { locality: 'London', country: 'United Kingdom' },
    },
  },
  {
    id: 'grace',
    about: 'Can read reports',
    deniedScopes: ['reports:write'],
    claims: {
      ...nameClaims('Grace', 'Hopper'),
      email: 'grace@example.com',
      email_verified: true,
      phone_number: '+1 202 555 0112',
      phone_number_verified: false,
      zoneinfo: 'America/New_York',
      locale: 'en-US',
      address: { locality: 'Arlington', country: 'United States' },
    },
  },
  {
    id: 'alan',
    about: 'Has no access to reports',
    deniedScopes: ['reports:read', 'reports:write'],
    claims: {
      ...nameClaims('Alan', 'Turing'),
      email: 'alan@example.com',
      email_verified: false,
      phone_number: '+44 161 496 0023',
      phone_number_verified: true,
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      address: { locality: 'Manchester', country: 'United Kingdom' },
    },
  },
]

/** Descriptions of the scopes for the approval page. @type {Record<string, string>} */
export const scopeMeanings = {
  openid: 'Know who you are',
  profile: 'See your name and profile',
  email: 'See your email address',
  phone: 'See your phone number',
  address: 'See your address',
  offline_access: 'Stay signed in while you are away',
  'reports:read': 'Read reports',
  'reports:write': 'Write reports',
}

/**
 * @param {string} givenName
 * @param {string} familyName
 */
function nameClaims(givenName, familyName) {
  return {
    name: `${givenName} ${familyName}`,
    given_name: givenName,
    family_name: familyName,
    preferred_username: givenName.toLowerCase(),
    updated_at: 1_735_689_600,
  }
}
