import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** An import, re-export, dynamic import, import type or `require`, as it is written. */
export interface Import {
  readonly specifier: string
  /** Gone when compiled: written `import type`, `export type` or `import('x')` in a type. */
  readonly typeOnly: boolean
}

/** Files below `folder` whose names end so, relative to the project's root, where tests run. */
export function filesUnder(folder: string, ending = '.ts'): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesUnder(path, ending)
      return path.endsWith(ending) ? [path] : []
    })
    .sort()
}

/** What the program is made of: all of src but the tests beside it. */
export function sources(): string[] {
  return filesUnder('src').filter((file) => !file.endsWith('.test.ts'))
}

export function parsed(file: string, text = readFileSync(file, 'utf8')): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

/** Calls `visit` for each node of the file. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

export function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    // A computed specifier could name anything: it is reported as what it is.
    if (specifier !== undefined) found.push({ specifier: textOf(specifier), typeOnly })
  }
  walk(source, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === typeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node)) add(node.argument, true)
    else if (ts.isCallExpression(node) && loads(node.expression)) add(node.arguments[0], false)
  })
  return found
}

/** Where a relative import of `file` leads, from the project's root; undefined for a package or `node:`. */
export function target(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? join(dirname(file), specifier) : undefined
}

/** `@scope/name` or `name` of `name/part`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const typeKeyword = ts.SyntaxKind.TypeKeyword

/** `import(x)`, `require(x)`, `createRequire(here)(x)`. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(callee)) return callee.text === 'require'
  return ts.isCallExpression(callee) && ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire'
}

function textOf(specifier: ts.Node): string {
  if (ts.isStringLiteralLike(specifier)) return specifier.text
  if (ts.isLiteralTypeNode(specifier)) return textOf(specifier.literal)
  return `(${specifier.getText()})`
}
