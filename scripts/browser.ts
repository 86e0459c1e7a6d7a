import {existsSync} from 'node:fs'

import axe from 'axe-core'
import {chromium, type Browser, type Page} from 'playwright-core'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts the Chromium of this machine, or the one that CHROMIUM names. */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
  if (!existsSync(executablePath))
    throw new Error(
      `there is no ${executablePath}: install Chromium (apt-get install chromium), or name one with CHROMIUM=FILE`,
    )
  return chromium.launch({executablePath, args: ARGUMENTS})
}

/** What a page asks for and complains of, from now on. */
export interface Watched {
  readonly asked: readonly string[]
  readonly complaints: readonly string[]
}

export function watch(page: Page): Watched {
  const asked: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`))
  return {asked, complaints}
}

/** One thing that axe finds. */
export interface Violation {
  /** How bad it is: minor, moderate, serious or critical. */
  readonly impact: string
  readonly text: string
}

/** Has axe look at a page. The debugger evaluates it, for a page's own policy may allow no script. */
export async function violationsOf(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(axe.source)
  const {violations} = await page.evaluate(async () =>
    (globalThis as unknown as {axe: typeof axe}).axe.run({resultTypes: ['violations']}),
  )
  return violations.map(({id, help, impact, nodes}) => ({
    impact: impact ?? 'unknown',
    text: `${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 200)).join(' | ')}`,
  }))
}

/** How many pixels a page is wider than its window. */
export const surplusWidthOf = async (page: Page): Promise<number> =>
  Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'))
