/** Rejects where none can be started. Whether it shows the page is not known. */
export async function openBrowser(url: URL): Promise<void> {
  const {default: open} = await import('open')
  await open(url.href)
}
