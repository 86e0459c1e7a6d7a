import {glob, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

const SCRIPTS = /<script defer src="([^"]+)"><\/script>\n?/g

/**
 * Makes the pages readable without a server, too, by opening their files: there, addresses that begin with a slash mean
 * another folder, and the generator's scripts, which would not know the page by its address, are left out, and so are
 * search and the menu, which need them.
 */
export async function readableFromFiles(site: string): Promise<void> {
  for await (const file of glob('**/*.html', {cwd: site})) {
    const path = join(site, file)
    const up = '../'.repeat(file.split(/[\\/]/).length - 1) || './'
    const html = await readFile(path, 'utf8')
    const scripts = [...html.matchAll(SCRIPTS)].map((match) => match[1])
    if (scripts.length === 0) throw new Error(`${file} has no scripts as they were known`)
    await writeFile(
      path,
      html
        .replaceAll(SCRIPTS, '')
        .replaceAll(/(<link [^>]*href=")\/(?!\/)/g, `$1${up}`)
        .replaceAll(/(<img [^>]*src=")\/(?!\/)/g, `$1${up}`)
        .replace('</body>', `<script>${byProtocol(up, scripts)}</script></body>`),
    )
  }
}

const byProtocol = (up: string, scripts: readonly (string | undefined)[]): string => `
if (location.protocol === 'file:') {
  document.querySelector('.rp-nav__right')?.remove()
  for (const link of document.querySelectorAll('a[href^="/"]'))
    link.href = '${up}' + link.getAttribute('href').slice(1).replace(/^(?=#|$)/, 'index.html')
} else
  for (const src of ${JSON.stringify(scripts)})
    document.head.append(Object.assign(document.createElement('script'), {src, async: false}))
`
