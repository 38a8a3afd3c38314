/**
 * Cluster-wide settings as canonical JSON, and where two of them differ first.
 */

/** JSON with sorted keys and no spaces: equal settings are equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const sorted = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return Object.fromEntries(sorted)
  })
}

export interface SettingDifference {
  /** Dotted path, as in `log.mode`. */
  setting: string
  ours: string
  theirs: string
}

/**
 * The first difference in alphabetical order of paths; null when there is none. Both are JSON
 * texts.
 */
export function firstDifference(ours: string, theirs: string): SettingDifference | null {
  if (ours === theirs) return null
  const [a, b] = [flatten(ours), flatten(theirs)]
  for (const setting of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [mine, other] = [a.get(setting) ?? '(unset)', b.get(setting) ?? '(unset)']
    if (mine !== other) return { setting, ours: mine, theirs: other }
  }
  return null
}

function flatten(json: string): Map<string, string> {
  const paths = new Map<string, string>()
  const open: [string, unknown][] = [['', parse(json)]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [path, value] = next
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!nested || (path !== '' && Object.keys(value).length === 0)) {
      if (path !== '' || !nested) paths.set(path === '' ? '(settings)' : path, canonicalJson(value))
      continue
    }
    for (const [key, inner] of Object.entries(value)) {
      open.push([path === '' ? key : `${path}.${key}`, inner])
    }
  }
  return paths
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}
