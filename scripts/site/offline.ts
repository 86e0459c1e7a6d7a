import {glob, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

/**
 * Makes the pages readable without a server, too, by opening their files: there, addresses that begin with a slash mean
 * another folder. Search needs the server.
 */
export async function readableFromFiles(site: string): Promise<void> {
  for await (const file of glob('**/*.html', {cwd: site})) {
    const path = join(site, file)
    const up = '../'.repeat(file.split(/[\\/]/).length - 1) || './'
    const html = await readFile(path, 'utf8')
    await writeFile(
      path,
      html
        .replaceAll(/(<link [^>]*href=")\/(?!\/)/g, `$1${up}`)
        .replaceAll(/(<img [^>]*src=")\/(?!\/)/g, `$1${up}`)
        .replace('</body>', `<script>${linksOfFiles(up)}</script></body>`),
    )
  }
}

const linksOfFiles = (up: string): string =>
  `if(location.protocol==='file:')for(const a of document.querySelectorAll('a[href^="/"]'))a.href='${up}'+a.getAttribute('href').slice(1).replace(/^(?=#|$)/,'index.html')`
