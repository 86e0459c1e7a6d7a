const SIGN_IN_AGAIN = 'Sign in again: lorchestra accounts login, with the name of the account'

const CURES: readonly (readonly [codes: RegExp, cure: string])[] = [
  [/^AADSTS7000215$/, "Set client_secret to the secret's value, not to its id"],
  [/^AADSTS7000222$/, 'The secret has expired: add a new one to the app registration and set client_secret'],
  [/^AADSTS700016$/, 'Check client_id and tenant_id: this tenant has no such app registration'],
  [/^AADSTS(90002|900023)$/, 'Check tenant_id'],
  [/^AADSTS(500011|650057)$/, 'Check url: this tenant has no such environment, or the app may not ask for it'],
  [/^AADSTS7000218$/, "Turn on 'Allow public client flows' for the app registration, or set client_secret"],
  [/^AADSTS65001$/, 'Grant the app the permission Dynamics CRM user_impersonation, with consent of an administrator'],
  [/^AADSTS(50076|50078|50079|50173|53003|65004|70000|70008|70043|700003|700082|700084)$/, SIGN_IN_AGAIN],
]

/** Repeats what MSAL threw in Entra's own words but for its trace ids, with what to do about it. */
export function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('signing in failed')
  const words = /AADSTS\d+: .*?(?=\s+(?:- )?(?:Trace|Correlation) ID:|$)/s.exec(error.message)?.[0]
  const code = words === undefined ? undefined : /^AADSTS\d+/.exec(words)?.[0]
  const cure = CURES.find(([codes]) => codes.test(code ?? ''))?.[1] ?? (isOver(error) ? SIGN_IN_AGAIN : undefined)
  if (words === undefined && cure === undefined) return error
  // No cause: it would print the trace ids.
  return new Error([`Entra refused: ${words ?? 'the sign-in is no longer good'}`, cure].filter(Boolean).join('. '))
}

/** Tells whether only a person can go on. */
const isOver = (error: Error): boolean =>
  error.name === 'InteractionRequiredAuthError' || (error as {errorCode?: unknown}).errorCode === 'invalid_grant'
