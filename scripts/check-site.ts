import {existsSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {parseArgs} from 'node:util'

import {serve} from '@rspress/core'
import type {Page} from 'playwright-core'

import {startChromium, surplusWidthOf, violationsOf, watch} from './browser.ts'

/**
 * Opens the site that `npm run docs:build` made in a real Chromium: axe finds nothing serious, nothing is asked of another host,
 * nothing is wider than the window, search and theme work, keys reach what can be used and show where they are, and the pages
 * can be read by opening their files. `--screenshots FOLDER` keeps what they look like.
 */
const folder = fileURLToPath(new URL('../.cache/docs', import.meta.url))
const site = join(folder, 'site')
if (!existsSync(join(site, 'index.html'))) throw new Error('there is no site: npm run docs:build')
const {values} = parseArgs({options: {screenshots: {type: 'string'}}})
const screenshots = values.screenshots === undefined ? undefined : resolve(values.screenshots)
if (screenshots !== undefined) await mkdir(screenshots, {recursive: true})

/** The first page, a table that scrolls, code, a page of commands. */
const PAGES = ['/', '/README.html', '/docs/proof.html', '/docs/runs.html', '/docs/commands/run.html']
const SIZES = {desktop: {width: 1280, height: 900}, phone: {width: 390, height: 844}}

const server = await serve({config: {root: join(folder, 'pages'), outDir: site}, configFilePath: '', host: '127.0.0.1'})
const address = `http://127.0.0.1:${server.port}`
const browser = await startChromium()
try {
  for (const [size, viewport] of Object.entries(SIZES))
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({viewport, colorScheme})
      const page = await context.newPage()
      for (const path of PAGES) {
        await look(page, `${address}${path}`, `${path} ${size} ${colorScheme}`)
        if (screenshots !== undefined) {
          const name = `${path.replaceAll('/', '_')}-${size}-${colorScheme}.png`
          await page.screenshot({path: join(screenshots, name)})
        }
      }
      await context.close()
    }
  const page = await browser.newPage({viewport: SIZES.desktop, colorScheme: 'light'})
  await mustSearch(page)
  await mustChangeColours(page)
  await mustShowFocus(page)
  await mustBeReadFromFiles(await browser.newPage({viewport: SIZES.desktop, colorScheme: 'dark'}))
} finally {
  await browser.close()
  await server.server.close()
}

async function look(page: Page, url: string, what: string): Promise<void> {
  const {asked, complaints} = watch(page)
  await page.goto(url, {waitUntil: 'networkidle'})
  page.removeAllListeners()
  const wide = await surplusWidthOf(page)
  const serious = (await violationsOf(page)).filter(({impact}) => impact !== 'minor' && impact !== 'moderate')
  mustBeEmpty(what, [
    ...serious.map(({text}) => text),
    ...complaints,
    ...asked.filter((each) => !each.startsWith(`${address}/`) && !each.startsWith('data:')),
    ...(wide > 0 ? [`it is ${wide} pixels wider than the window`] : []),
    ...(await page
      .locator('img')
      .evaluateAll((images) =>
        (images as unknown as readonly {complete: boolean; naturalWidth: number; alt: string}[])
          .filter(({complete, naturalWidth, alt}) => !complete || naturalWidth === 0 || alt === '')
          .map(({alt}) => `a picture that is not shown, or has no words: ${alt}`),
      )),
  ])
  console.log(`${what}: nothing serious, no other host`)
}

/** By keys alone: opened, asked, followed. */
async function mustSearch(page: Page): Promise<void> {
  const {complaints} = watch(page)
  await page.goto(address, {waitUntil: 'networkidle'})
  await page.keyboard.press('Control+k')
  await page.keyboard.type('exit codes')
  await page.locator('.rp-suggest-item', {hasText: 'Exit codes'}).first().waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/docs\/runs(?:\.html)?#exit-codes$/)
  await page.keyboard.press('Control+k')
  await page.keyboard.type('qzvx')
  await page.locator('.rp-search-panel__modal', {hasText: 'qzvx'}).waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  await page.locator('.rp-sidebar-item', {hasText: 'Questions'}).first().focus()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/docs\/faq\.html$/)
  mustBeEmpty('search', complaints)
  console.log('search: finds, leads there, and takes no Enter that is not its own')
}

async function mustChangeColours(page: Page): Promise<void> {
  await page.goto(`${address}/docs/runs.html`, {waitUntil: 'networkidle'})
  const ground = async (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor')
  const light = await ground()
  await page.locator('.rp-nav-hamburger__md').hover()
  await page.locator('.rp-switch-appearance:visible').click()
  await page.locator('html.dark').waitFor()
  await page.reload({waitUntil: 'networkidle'})
  mustBeEmpty('colours', (await ground()) === light ? ['what was chosen is forgotten, or changes nothing'] : [])
  console.log('colours: change, and stay so')
}

async function mustShowFocus(page: Page): Promise<void> {
  await page.goto(`${address}/README.html`, {waitUntil: 'networkidle'})
  const reached: string[] = []
  for (let key = 0; key < 400; key++) {
    await page.keyboard.press('Tab')
    const [tag, name, outline, width] = (await page.evaluate(`(() => {
      const {tagName, className, textContent} = document.activeElement
      const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement)
      return [tagName, className + ' ' + textContent.slice(0, 40), outlineStyle, outlineWidth]
    })()`)) as [string, string, string, string]
    if (tag === 'BODY') break
    if (outline === 'none' || width === '0px') throw new Error(`keys reach ${tag} ${name}, and nothing shows it`)
    reached.push(`${tag} ${name}`)
  }
  const wanted = ['BUTTON rp-search-button', 'A rp-sidebar-item', 'PRE', 'TABLE', 'A rp-link']
  mustBeEmpty(
    'keys',
    wanted.filter((start) => !reached.some((each) => each.startsWith(start))).map((start) => `none reaches ${start}`),
  )
  console.log(`keys: show all ${reached.length} places that they reach`)
}

async function mustBeReadFromFiles(page: Page): Promise<void> {
  const {asked, complaints} = watch(page)
  const home = pathToFileURL(`${site}/`).href
  await page.goto(`${home}index.html`)
  mustBeEmpty('files', [
    ...((await page.locator('.rp-search-button').count()) > 0 ? ['a search that cannot work'] : []),
    ...((await page.evaluate('getComputedStyle(document.body).backgroundColor')) === 'rgb(255, 255, 255)'
      ? ['it is light where the system is dark']
      : []),
  ])
  for (const [words, title] of [
    ['Questions', 'Questions'],
    ['What it is, and the first hour', 'lorchestra'],
  ] as const) {
    await page.locator('.rp-sidebar-item', {hasText: words}).first().click()
    await page.locator('h1', {hasText: title}).waitFor()
  }
  await page.locator('.rp-doc a', {hasText: 'all keys'}).click()
  await page.locator('h1', {hasText: 'Keys of lorchestra.yaml'}).waitFor()
  mustBeEmpty('files', [...complaints, ...asked.filter((each) => !each.startsWith(home) && !each.startsWith('data:'))])
  console.log('files: opened without a server, link to each other, and ask for nothing else')
}

function mustBeEmpty(what: string, faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`${what}:\n${faults.join('\n')}`)
}
