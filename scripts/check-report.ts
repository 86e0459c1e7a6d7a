import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'

import axe from 'axe-core'
import {chromium, type Page} from 'playwright-core'

import {pageOf} from '../src/report/page/page.ts'
import {emptyReport, fullReport, HOSTILE} from '../test/support/sample-report.ts'

/**
 * Opens pages of `lorchestra report` in a real Chromium: nothing is asked of any network, nothing is wider than the window, the
 * keyboard reaches what scrolls, and axe finds nothing. `--screenshots FOLDER` keeps what they look like.
 */
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
if (!existsSync(executablePath))
  throw new Error(
    `there is no ${executablePath}: install Chromium (apt-get install chromium), or name one with CHROMIUM=FILE`,
  )

const flag = process.argv.indexOf('--screenshots')
const screenshots = flag === -1 ? undefined : resolve(process.argv[flag + 1] ?? 'screenshots')
if (screenshots !== undefined) await mkdir(screenshots, {recursive: true})

const REPORTS = {
  full: fullReport('invoices'),
  hostile: fullReport(HOSTILE),
  empty: emptyReport(),
}
const SIZES = {desktop: {width: 1280, height: 900}, phone: {width: 390, height: 844}}

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-report-'))
const browser = await chromium.launch({
  executablePath,
  args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  ),
})
try {
  for (const [name, report] of Object.entries(REPORTS)) {
    const file = join(folder, `${name}.html`)
    await writeFile(file, pageOf(report))
    for (const [size, viewport] of Object.entries(SIZES))
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({viewport, colorScheme})
        const page = await context.newPage()
        await check(page, file, `${name} ${size} ${colorScheme}`)
        if (screenshots !== undefined)
          await page.screenshot({path: join(screenshots, `${name}-${size}-${colorScheme}.png`), fullPage: true})
        if (screenshots !== undefined && size === 'desktop' && colorScheme === 'light')
          await page.pdf({path: join(screenshots, `${name}.pdf`)})
        await context.close()
      }
  }
} finally {
  await browser.close()
  await rm(folder, {recursive: true, force: true})
}

async function check(page: Page, file: string, what: string): Promise<void> {
  const url = pathToFileURL(file).href
  const asked: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`))
  await page.goto(url)
  // What is folded up is looked at, too.
  for (const summary of await page.locator('summary').all()) {
    await summary.focus()
    await page.keyboard.press('Enter')
  }
  const complaintsOfPage = [...complaints]
  // It is evaluated by the debugger: the page's own policy allows no script, nor the styles that axe tries.
  await page.evaluate(axe.source)
  const {violations} = await page.evaluate(async () =>
    (globalThis as unknown as {axe: typeof axe}).axe.run({resultTypes: ['violations']}),
  )
  const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  const scripts = await page.locator('script, img, iframe, [onload], [style]').count()
  await page.keyboard.press('Tab')
  const others = asked.filter((each) => each !== url && !each.startsWith('data:'))
  const faults = [
    ...violations.map(
      ({id, help, nodes}) => `${id}: ${help}: ${nodes.map(({html}) => html.slice(0, 200)).join(' | ')}`,
    ),
    ...complaintsOfPage,
    ...others.map((each) => `it asked for ${each}`),
    ...(Number(wide) > 0 ? [`it is ${String(wide)} pixels wider than the window`] : []),
    ...(scripts > 0 ? [`${scripts} elements that no page of ours has`] : []),
    ...((await page.locator('section').count()) === 7 ? [] : ['sections are missing']),
  ]
  if (faults.length > 0) throw new Error(`${what}:\n${faults.join('\n')}`)
  console.log(`${what}: no violations, no requests`)
}
