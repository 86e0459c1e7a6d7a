/** An element of a page, as the generator hands it over. */
interface Node {
  readonly tagName?: string
  readonly properties?: Record<string, unknown>
  readonly children?: readonly Node[]
}

/** Lets keys reach a table that no link is in: a wide one scrolls, and keys scroll what they reach. */
export const tablesByKeys = () => (page: Node) => {
  for (const {tagName, properties, children = []} of nodesBelow(page))
    if (tagName === 'table' && properties !== undefined && !children.some(holdsALink)) properties['tabIndex'] = 0
}

const holdsALink = (node: Node): boolean => nodesBelow(node).some(({tagName}) => tagName === 'a')

const nodesBelow = (node: Node): readonly Node[] => [node, ...(node.children ?? []).flatMap(nodesBelow)]
