/**
 * What a browser does with the address of a login when a person allows the app: it presses the button of the local
 * server's page and goes where that sends it. (The page itself is left out: the local server, unlike Google, wants the
 * port of a loopback redirect registered before it shows it.)
 */
export async function allowInBrowser(address: string): Promise<Response> {
  return fetch(await redirectAfterAllowing(address))
}

/** Where the browser would be sent. */
export async function redirectAfterAllowing(address: string, email = 'ada@example.com'): Promise<string> {
  const page = new URL(address)
  const button = new URLSearchParams({...Object.fromEntries(page.searchParams), email})
  const pressed = await fetch(`${page.origin}${page.pathname}/callback`, {
    method: 'POST',
    redirect: 'manual',
    body: button,
  })
  const location = pressed.headers.get('location')
  if (location === null) throw new Error(`the local server sends the browser nowhere: ${pressed.status}`)
  return location
}

/** The address that a login prints. */
export const addressIn = (text: string): string => {
  const address = /^ {2}(https?:\/\/\S+)$/m.exec(text)?.[1]
  if (address === undefined) throw new Error(`no address in: ${text}`)
  return address
}
