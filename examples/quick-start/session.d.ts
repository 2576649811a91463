import 'express-session'

declare module 'express-session' {
  interface SessionData {
    /** The public ID of the login that opened this session. */
    transaction: string
  }
}
