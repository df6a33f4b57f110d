// Check the OpenAPI document by the rules that Redocly recommends: node clients/lint.mjs openapi.json
import { fileURLToPath } from 'node:url';
import { formatProblems, getTotals, lint, loadConfig } from '@redocly/openapi-core';

const config = await loadConfig({ configPath: fileURLToPath(new URL('redocly.yaml', import.meta.url)) });
const problems = await lint({ ref: process.argv[2], config });
const totals = getTotals(problems);
if (problems.length) formatProblems(problems, { totals });
console.log(`redocly: ${totals.errors} errors, ${totals.warnings} warnings`);
process.exitCode = totals.errors + totals.warnings ? 1 : 0;
