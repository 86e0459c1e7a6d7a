import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'

import type {Page} from 'playwright-core'

import {pageOf} from '../src/report/page/page.ts'
import {emptyReport, fullReport, HOSTILE} from '../test/support/sample-report.ts'
import {startChromium, surplusWidthOf, violationsOf, watch} from './browser.ts'

/**
 * Opens pages of `lorchestra report` in a real Chromium: nothing is asked of any network, nothing is wider than the window, the
 * keyboard reaches what scrolls, and axe finds nothing. `--screenshots FOLDER` keeps what they look like.
 */
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
const browser = await startChromium()
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
  const {asked, complaints} = watch(page)
  await page.goto(url)
  // What is folded up is looked at, too.
  for (const summary of await page.locator('summary').all()) {
    await summary.focus()
    await page.keyboard.press('Enter')
  }
  const complaintsOfPage = [...complaints]
  const violations = await violationsOf(page)
  const wide = await surplusWidthOf(page)
  const scripts = await page.locator('script, img, iframe, [onload], [style]').count()
  await page.keyboard.press('Tab')
  const others = asked.filter((each) => each !== url && !each.startsWith('data:'))
  const faults = [
    ...violations.map(({text}) => text),
    ...complaintsOfPage,
    ...others.map((each) => `it asked for ${each}`),
    ...(wide > 0 ? [`it is ${wide} pixels wider than the window`] : []),
    ...(scripts > 0 ? [`${scripts} elements that no page of ours has`] : []),
    ...((await page.locator('section').count()) === 7 ? [] : ['sections are missing']),
  ]
  if (faults.length > 0) throw new Error(`${what}:\n${faults.join('\n')}`)
  console.log(`${what}: no violations, no requests`)
}
