import type { PageTexts } from './texts.js'

export const de: PageTexts = {
  signInTitle: 'Anmelden',
  signInTitleFor: 'Bei {application} anmelden',
  continueWith: 'Weiter mit {provider}',
  lastUsed: 'Zuletzt verwendet',

  tryAgain: 'Erneut versuchen',
  chooseProvider: 'Andere Anmeldemöglichkeit wählen',
  startPage: 'Zurück zur Startseite',
  signInAgain: 'Erneut anmelden',

  signingIn: 'Sie werden angemeldet',
  signingOut: 'Sie werden abgemeldet',
  ifNothingHappens: 'Falls nichts geschieht, nutzen Sie diesen Link:',
  continue: 'Weiter',

  signedOutTitle: 'Sie sind abgemeldet',
  signedOutText: 'Wenn Sie dieses Gerät mit anderen teilen, schließen Sie auch alle Browserfenster.',

  deviceTitle: 'Mit einem anderen Gerät anmelden',
  deviceOpen: 'Scannen Sie den QR-Code oder öffnen Sie {link} auf Ihrem Smartphone oder Computer.',
  deviceQrCode: 'QR-Code der Seite, die zu öffnen ist',
  deviceCode: 'Prüfen Sie, ob dort dieser Code angezeigt wird, oder geben Sie ihn dort ein:',
  deviceWaiting: 'Warten auf Ihre Bestätigung. Der Code gilt noch {minutes} Min.',
  deviceNewCode: 'Neuen Code anfordern',
  deviceRefusedTitle: 'Nicht angemeldet',
  deviceExpired: 'Der Code ist abgelaufen.',
  deviceDenied: 'Die Anmeldung wurde auf dem anderen Gerät abgelehnt.',
  deviceFailed: 'Die Anmeldung ist fehlgeschlagen. Bitte beginnen Sie von vorn.',

  cancelledTitle: 'Anmeldung abgebrochen',
  cancelledText: 'Die Anmeldung wurde abgebrochen oder nicht bestätigt. Sie sind nicht angemeldet.',
  expiredTitle: 'Die Anmeldung hat zu lange gedauert',
  expiredText:
    'Zu Ihrer Sicherheit muss eine Anmeldung innerhalb weniger Minuten abgeschlossen werden. Bitte beginnen Sie von vorn.',
  interruptedTitle: 'Die Anmeldung wurde unterbrochen',
  interruptedText:
    'Sie kann hier nicht fortgesetzt werden: Vielleicht wurde sie in einem anderen Browser begonnen oder ist bereits abgeschlossen. Bitte beginnen Sie von vorn.',
  cookiesTitle: 'Diese Website erkennt Ihren Browser nicht wieder',
  cookiesText:
    'Sie haben sich angemeldet, aber Ihr Browser bleibt nicht angemeldet. Bitte erlauben Sie Cookies für diese Website und versuchen Sie es erneut.',
  failedTitle: 'Die Anmeldung ist fehlgeschlagen',
  failedText:
    'Die Anmeldung konnte nicht abgeschlossen werden. Sie sind nicht angemeldet. Bitte versuchen Sie es erneut.',
  unknownProviderTitle: 'Diese Anmeldemöglichkeit gibt es nicht',
  unknownProviderText: 'Der Link, dem Sie gefolgt sind, ist möglicherweise veraltet.',
  unavailableTitle: 'Der Anmeldedienst ist nicht erreichbar',
  unavailableText: 'Der Anmeldedienst antwortet zurzeit nicht. Bitte versuchen Sie es in Kürze erneut.',
  busyTitle: 'Vorübergehend nicht verfügbar',
  busyText: 'Diese Website hat eine vorübergehende Störung. Bitte versuchen Sie es in Kürze erneut.',
  refusedTitle: 'Anmeldung nicht möglich',
  refusedText: 'Diese Anwendung lässt Ihr Konto nicht zu.',
  forbiddenTitle: 'Zugriff verweigert',
  forbiddenText: 'Ihr Konto hat nicht die Berechtigung, die für diese Seite nötig ist.',
  blockedTitle: 'Die Anfrage wurde blockiert',
  blockedText:
    'Zu Ihrer Sicherheit werden Anfragen abgelehnt, die von einer anderen Website kommen. Es wurde nichts geändert.',
  signInNeededTitle: 'Bitte melden Sie sich an',
  signInNeededText: 'Um fortzufahren, müssen Sie sich erneut anmelden.',
  credentialsTitle: 'Benutzername oder Passwort falsch',
  credentialsText: 'Bitte prüfen Sie Benutzername und Passwort und versuchen Sie es erneut.',
  errorTitle: 'Etwas ist schiefgegangen',
  errorText: 'Es ist ein unerwartetes Problem aufgetreten. Bitte versuchen Sie es später erneut.',
}
