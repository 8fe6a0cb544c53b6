/** Real resolvers, as small programs that look names up and write one line for each: name, outcome, canonical name, addresses. */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool, skipWithout } from './peers.ts'
import type { Found } from './resolver-zone.ts'

export interface Looked {
  /** In the resolver's own words. */
  readonly outcome: string
  /** What the addresses belong to, or where the walk ended; empty where the resolver does not say. */
  readonly canonical: string
  readonly addresses: readonly string[]
}

export interface Resolver {
  readonly name: string
  /** What it is made of: programs that must be installed. */
  readonly needs: readonly string[]
  /** It knows nothing of search lists. */
  readonly absoluteOnly?: true
  /** It can be asked for IPv4 alone. */
  readonly knowsFamilies?: true
  /** NODATA ends its walk along the search list; others walk on until they find an address. */
  readonly endsAtNodata?: true
  /** Its words, besides `found`, for "no such address" and "the servers failed". Where it has one for both, both hold it. */
  readonly none: readonly string[]
  readonly failed: readonly string[]
  /** Makes what it needs in the folder. */
  build?(folder: string): Promise<void>
  /** A shell command that looks up the names in "$@"; `family` 0, or 4 for IPv4 alone. */
  command(folder: string, family: 0 | 4): string
}

/** getaddrinfo, by whichever C library it is linked with. Outcomes are its error numbers. */
const cSource = `
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
  struct addrinfo hints, *found, *one;
  char text[64];
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_CANONNAME;
  hints.ai_family = atoi(argv[1]) == 4 ? AF_INET : AF_UNSPEC;
  for (int i = 2; i < argc; i++) {
    found = NULL;
    int error = getaddrinfo(argv[i], "80", &hints, &found);
    if (error) printf("%s\\t%d\\t\\t", argv[i], error);
    else printf("%s\\tfound\\t%s\\t", argv[i], found->ai_canonname ? found->ai_canonname : "");
    for (one = error ? NULL : found; one; one = one->ai_next)
      if (!getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST)) printf("%s ", text);
    printf("\\n");
  }
}
`

/** Go's own resolver, without the C library. */
const goSource = `package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
)

func main() {
	network := map[string]string{"0": "ip", "4": "ip4"}[os.Args[1]]
	for _, name := range os.Args[2:] {
		found, err := (&net.Resolver{PreferGo: true}).LookupIP(context.Background(), network, name)
		outcome := "found"
		var failure *net.DNSError
		if errors.As(err, &failure) {
			outcome = failure.Err
		}
		fmt.Printf("%s\\t%s\\t\\t", name, outcome)
		for _, address := range found {
			fmt.Printf("%s ", address)
		}
		fmt.Println()
	}
}
`

/** dns.lookup (the C library) or dns.resolve (c-ares). */
const nodeSource = `
import { promises as dns } from 'node:dns'
const [how, family, ...names] = process.argv.slice(2)
for (const name of names) {
  let outcome = 'found'
  let addresses = []
  if (how === 'lookup') {
    try {
      addresses = (await dns.lookup(name, { all: true, family: Number(family) })).map(({ address }) => address)
    } catch (error) {
      outcome = error.code
    }
  } else {
    const both = await Promise.allSettled([dns.resolve4(name), dns.resolve6(name)])
    addresses = both.flatMap(({ value = [] }) => value)
    if (addresses.length === 0) outcome = both.map(({ reason }) => reason?.code ?? 'empty').join('+')
  }
  console.log([name, outcome, '', addresses.join(' ')].join('\\t'))
}
`

/** The status and the name that each of the two walks ended with, and the addresses. */
const digScript = `
shift
for name; do
  dig +search +tries=1 +time=4 "$name" A "$name" AAAA | awk -v name="$name" '
    /status: / { sub(/.*status: /, ""); sub(/,.*/, ""); status = status (status ? "+" : "") $0 }
    /^;[^; ].*IN/ { sub(/^;/, "", $1); sub(/[.]$/, "", $1); ends = ends (ends && ends != $1 ? "+" $1 : ends ? "" : $1) }
    /^[^;].*IN *\\t*(A|AAAA)\\t/ { found = found $NF " " }
    END { print name "\\t" (found ? "found" : status) "\\t" ends "\\t" found }'
done
`

const getentScript = `
shift
for name; do
  found=$(getent ahosts "$name") && outcome=found || outcome=$?
  printf '%s\\t%s\\t\\t%s\\n' "$name" $outcome "$(echo "$found" | awk '$2 == "STREAM" { printf "%s ", $1 }')"
done
`

export const resolvers: readonly Resolver[] = [
  {
    name: 'getent',
    needs: ['getent', 'awk'],
    none: ['2'],
    failed: ['2'],
    command: (folder, family) => `sh ${join(folder, 'getent.sh')} ${family}`,
    build: async (folder) => writeFileSync(join(folder, 'getent.sh'), getentScript),
  },
  {
    name: 'glibc',
    needs: ['gcc'],
    knowsFamilies: true,
    // EAI_NONAME, EAI_NODATA; EAI_AGAIN, EAI_FAIL.
    none: ['-2', '-5'],
    failed: ['-3', '-4'],
    command: (folder, family) => `${join(folder, 'find-gcc')} ${family}`,
    build: (folder) => compile(folder, 'gcc', []),
  },
  {
    name: 'musl',
    needs: ['musl-gcc'],
    knowsFamilies: true,
    endsAtNodata: true,
    // EAI_NODATA is newer than musl 1.2.3.
    none: ['-2', '-5'],
    failed: ['-3', '-4'],
    command: (folder, family) => `${join(folder, 'find-musl-gcc')} ${family}`,
    build: (folder) => compile(folder, 'musl-gcc', ['-static']),
  },
  {
    name: 'Go',
    needs: ['go'],
    knowsFamilies: true,
    none: ['no such host'],
    failed: ['server misbehaving'],
    command: (folder, family) => `${join(folder, 'find-go')} ${family}`,
    async build(folder) {
      writeFileSync(join(folder, 'find.go'), goSource)
      await make(folder, 'go', ['build', '-o', join(folder, 'find-go'), join(folder, 'find.go')])
    },
  },
  {
    name: 'Node dns.lookup',
    needs: [],
    knowsFamilies: true,
    none: ['ENOTFOUND'],
    failed: ['EAI_AGAIN'],
    command: (folder, family) => `${process.execPath} ${join(folder, 'find.mjs')} lookup ${family}`,
    build: async (folder) => writeFileSync(join(folder, 'find.mjs'), nodeSource),
  },
  {
    name: 'Node dns.resolve',
    needs: [],
    absoluteOnly: true,
    // An alias that leads to no address is no error to it.
    none: ['ENOTFOUND+ENOTFOUND', 'ENODATA+ENODATA', 'empty+empty'],
    failed: ['ESERVFAIL+ESERVFAIL', 'EREFUSED+EREFUSED'],
    command: (folder, family) => `${process.execPath} ${join(folder, 'find.mjs')} resolve ${family}`,
    build: async (folder) => writeFileSync(join(folder, 'find.mjs'), nodeSource),
  },
  {
    name: 'dig',
    needs: ['dig', 'awk'],
    none: ['NXDOMAIN+NXDOMAIN', 'NOERROR+NOERROR'],
    failed: ['SERVFAIL+SERVFAIL', 'REFUSED+REFUSED'],
    command: (folder, family) => `sh ${join(folder, 'dig.sh')} ${family}`,
    build: async (folder) => writeFileSync(join(folder, 'dig.sh'), digScript),
  },
]

/** False, or the sentence that says why the resolver is left out. */
export function skipOf({ needs }: Resolver): string | false {
  return skipWithout(...needs)
}

/** The resolver's lines, by the name that was asked. */
export function readLooked(text: string): Map<string, Looked> {
  const rows = text.split('\n').filter((line) => line.includes('\t'))
  return new Map(
    rows.map((line) => {
      const [name = '', outcome = '', canonical = '', addresses = ''] = line.split('\t')
      const sorted = addresses
        .split(' ')
        .filter((one) => one !== '')
        .sort()
      return [name, { outcome, canonical: canonical.replace(/\.$/, ''), addresses: sorted }]
    }),
  )
}

/** Is that what it says? */
export function agrees({ none, failed }: Resolver, { outcome, addresses }: Looked, found: Found): boolean {
  if (found === 'none') return none.includes(outcome)
  if (found === 'failed') return failed.includes(outcome)
  return outcome === 'found' && addresses.join() === [...found].sort().join()
}

async function compile(folder: string, compiler: string, flags: readonly string[]): Promise<void> {
  writeFileSync(join(folder, 'find.c'), cSource)
  await make(folder, compiler, [...flags, '-o', join(folder, `find-${compiler}`), join(folder, 'find.c')])
}

async function make(folder: string, tool: string, args: readonly string[]): Promise<void> {
  // Go compiles its own library the first time, which takes a while.
  const { code, stderr } = await runTool(tool, args, { GO111MODULE: 'off', CGO_ENABLED: '0', TMPDIR: folder }, 180_000)
  assert.equal(code, 0, stderr)
}
