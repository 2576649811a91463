import { relyingParty } from 'express-relying-party'

// Compiles only if the types of the package went missing.
relyingParty({ baseUrl: 1, secret: 'secret', provider: { issuer: 'https://op.example', clientId: 'consumer' } })
