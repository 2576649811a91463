/** The texts of all built-in pages in one language. `{…}` stands for a value, and has to occur in every language. */
export interface PageTexts {
  /** The title of the sign-in page. */
  readonly signInTitle: string
  /** The same with a name: `{application}`. */
  readonly signInTitleFor: string
  /** The button of a provider: `{provider}`. */
  readonly continueWith: string
  /** Marks the provider that this browser signed in with last. */
  readonly lastUsed: string

  /** Starts the same sign-in again. */
  readonly tryAgain: string
  /** Leads to the sign-in page. */
  readonly chooseProvider: string
  /** Leads to the start page. */
  readonly startPage: string
  /** Leads to the login. */
  readonly signInAgain: string

  /** The titles of the pages that forward the browser. */
  readonly signingIn: string
  readonly signingOut: string
  /** Introduces the link of such a page. */
  readonly ifNothingHappens: string
  readonly continue: string

  /** The page after a logout. */
  readonly signedOutTitle: string
  readonly signedOutText: string

  /** The page of a device login. */
  readonly deviceTitle: string
  /** Asks to open a page: `{link}`. */
  readonly deviceOpen: string
  /** Describes the QR code to those who do not see it. */
  readonly deviceQrCode: string
  /** Introduces the code. */
  readonly deviceCode: string
  /** How long the code is valid: `{minutes}`. */
  readonly deviceWaiting: string
  readonly deviceNewCode: string
  /** The title once the login has failed, and its reasons. */
  readonly deviceRefusedTitle: string
  readonly deviceExpired: string
  readonly deviceDenied: string
  readonly deviceFailed: string

  /** The user or the provider did not approve the sign-in. */
  readonly cancelledTitle: string
  readonly cancelledText: string
  /** The sign-in took too long. */
  readonly expiredTitle: string
  readonly expiredText: string
  /** This browser has no such sign-in in progress. */
  readonly interruptedTitle: string
  readonly interruptedText: string
  /** The browser signed in, and was not recognized afterwards. */
  readonly cookiesTitle: string
  readonly cookiesText: string
  /** The provider's response was refused, or refused this application. */
  readonly failedTitle: string
  readonly failedText: string
  /** The provider is not configured. */
  readonly unknownProviderTitle: string
  readonly unknownProviderText: string
  /** The provider is down. */
  readonly unavailableTitle: string
  readonly unavailableText: string
  /** The application's own store is down. */
  readonly busyTitle: string
  readonly busyText: string
  /** `onLogin` refused the user. Its reason, if it has one, replaces the text. */
  readonly refusedTitle: string
  readonly refusedText: string
  /** The user lacks a scope or claim. */
  readonly forbiddenTitle: string
  readonly forbiddenText: string
  /** Another site sent the request. */
  readonly blockedTitle: string
  readonly blockedText: string
  /** No one is signed in, or the sign-in is too old. */
  readonly signInNeededTitle: string
  readonly signInNeededText: string
  /** The user name or password is wrong. */
  readonly credentialsTitle: string
  readonly credentialsText: string
  /** Everything else. */
  readonly errorTitle: string
  readonly errorText: string
}

/** Fills values in for the placeholders of a text. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{([a-z]{1,20})\}/g, (whole, name: string) => values[name] ?? whole)
}

/** Returns the placeholders of a text, sorted. */
export function placeholdersOf(text: string): string[] {
  return [...new Set(text.match(/\{[a-z]{1,20}\}/g))].sort()
}
