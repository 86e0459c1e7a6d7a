const CURES: readonly (readonly [codes: RegExp, cure: string])[] = [
  [/^AADSTS7000215$/, "Set client_secret to the secret's value, not to its id"],
  [/^AADSTS7000222$/, 'The secret has expired: add a new one to the app registration and set client_secret'],
  [/^AADSTS700016$/, 'Check client_id and tenant_id: this tenant has no such app registration'],
  [/^AADSTS(90002|900023)$/, 'Check tenant_id'],
  [/^AADSTS(500011|650057)$/, 'Check url: this tenant has no such environment, or the app may not ask for it'],
  [/^AADSTS7000218$/, "Turn on 'Allow public client flows' for the app registration, or set client_secret"],
  [/^AADSTS65001$/, 'Grant the app the permission Dynamics CRM user_impersonation, with consent of an administrator'],
  [
    /^AADSTS(50076|50078|50079|50173|53003|65004|70000|70008|70043|700003|700082|700084)$/,
    'Sign in again: lorchestra accounts login, with the name of the account',
  ],
]

/** What MSAL threw, in Entra's own words but for its trace ids, with what to do about it. */
export function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('signing in failed')
  const text = error.message.split(/\s*Trace ID:/)[0] ?? ''
  const code = /AADSTS\d+/.exec(text)?.[0]
  const cure = code === undefined ? undefined : CURES.find(([codes]) => codes.test(code))?.[1]
  const again = error.name === 'InteractionRequiredAuthError' ? CURES.at(-1)?.[1] : undefined
  if (code === undefined && again === undefined) return error
  // No cause: it would print the trace ids.
  return new Error(`Entra refused to sign in: ${text}${/[.?!]$/.test(text) ? '' : '.'} ${cure ?? again ?? ''}`.trim())
}
