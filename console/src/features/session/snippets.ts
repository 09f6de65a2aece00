export interface Snippet {
  id: string;
  name: string;
  code: string;
}

export function snippetsFor(url: string): Snippet[] {
  return [
    {
      id: "playwright-python",
      name: "Playwright, Python",
      code: `from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.connect_over_cdp("${url}")
    page = browser.contexts[0].pages[0]
    page.goto("https://example.com/")
    print(page.title())
`,
    },
    {
      id: "playwright-node",
      name: "Playwright, Node",
      code: `import { chromium } from "playwright";

const browser = await chromium.connectOverCDP("${url}");
const page = browser.contexts()[0].pages()[0];
await page.goto("https://example.com/");
console.log(await page.title());
`,
    },
    {
      id: "puppeteer",
      name: "Puppeteer",
      code: `import puppeteer from "puppeteer-core";

const browser = await puppeteer.connect({
  browserWSEndpoint: "${url}",
  defaultViewport: null,
});
const [page] = await browser.pages();
await page.goto("https://example.com/");
console.log(await page.title());
`,
    },
  ];
}
