"""The web page in a real browser: asked by keyboard, answered in words, rows, a chart and SQL."""

import json
import re
from importlib.resources import files

import pytest
import spyne.web

CONTROL = 2


def rows(page):
    return page.evaluate(
        "[...document.querySelectorAll('#answer tbody tr')].map(r => [...r.children].map(c => c.textContent))"
    )


def status_is(status):
    return f"document.querySelector('#answer').dataset.status === '{status}'"


def run_sql(page, sql):
    """Ask something, then put other SQL into the box and run it by keyboard."""
    page.evaluate("location.hash = ''; document.querySelector('#answer').dataset.status = ''")
    page.evaluate("document.querySelector('#question').select()")
    page.type("how many orders are there?")
    page.press("Enter")
    page.until(status_is("success"))
    page.evaluate("document.querySelector('#answer details').open = true; document.querySelector('#sql').select()")
    page.type(sql)
    page.press("Enter", CONTROL)


def test_a_question_is_asked_by_keyboard_alone(page):
    page.evaluate("document.activeElement.blur()")
    page.type("/show me all tables")
    page.press("Enter")
    page.until(status_is("success"))

    assert [row[0] for row in rows(page)] == ["customers", "order_items", "orders", "products"]
    assert page.complaints == []


def test_the_answer_has_words_facts_and_sql_that_can_be_edited_and_run(page):
    run_sql(page, "SELECT name, stock FROM products WHERE id <= 3 ORDER BY id")
    page.until("document.querySelectorAll('#answer tbody tr').length === 3")

    assert [row[0] for row in rows(page)] == ["Bread knife", "Cast iron pan", "Tea kettle"]
    assert page.evaluate("document.querySelectorAll('svg.chart .bar').length") == 3
    assert "from your SQL" in page.evaluate("document.querySelector('#answer').innerText")


def test_sql_that_is_refused_says_why_and_changes_nothing(page):
    run_sql(page, "DROP TABLE products")
    page.until("document.querySelector('#status').className === 'wrong'")

    assert "SELECT" in page.evaluate("document.querySelector('#status').textContent")


def test_when_something_fails_nothing_older_is_shown_but_the_sql_that_is_to_be_mended(page):
    run_sql(page, "SELECT nothing FROM products")
    page.until("document.querySelector('#status').className === 'wrong'")

    assert rows(page) == []
    assert page.evaluate("document.activeElement.id") == "sql"
    assert page.evaluate("document.activeElement.value") == "SELECT nothing FROM products"
    colours = "[getComputedStyle(document.querySelector('#status')).color, getComputedStyle(document.body).color]"
    assert len(set(page.evaluate(colours))) == 2


def test_while_something_is_asked_nothing_older_is_shown_and_escape_ends_it(page):
    run_sql(page, "SELECT count(*) FROM order_items a, order_items b, order_items c, order_items d WHERE a.id < -d.id")
    page.until("document.querySelector('#status').textContent === 'Asking…'")

    assert rows(page) == []
    page.press("Escape")
    page.until("document.querySelector('#status').textContent === 'Cancelled.'")
    assert rows(page) == []


def test_an_answer_that_was_cut_off_says_so_and_how_much_a_file_has(page):
    run_sql(page, "SELECT a.id FROM order_items a, order_items b")
    page.until("document.querySelector('#answer .notice')")

    notice = page.evaluate("document.querySelector('#answer .notice').textContent")
    assert "There are more: the answer was cut off after 1000 rows by the limit on rows" in notice
    assert "a file has up to 10000" in notice
    assert len(rows(page)) == 200
    page.evaluate("URL.createObjectURL = file => { file.text().then(t => { window.saved = t; }); return 'data:,'; }")
    page.evaluate("[...document.querySelectorAll('#answer button')].find(b => b.textContent === 'Save as CSV').click()")
    page.until("window.saved")
    assert page.evaluate("window.saved.trim().split('\\n').length") == 10_001
    page.until("document.querySelector('#status').textContent === 'Saved, but cut off by the limit on rows.'")


def test_one_row_is_called_one_row(page):
    run_sql(page, "SELECT 0.1 + 0.2 AS sum")
    page.until("document.querySelector('#answer').innerText.includes('from your SQL')")

    assert "1 row\n" in page.evaluate("document.querySelector('#answer .facts').innerText") + "\n"
    assert rows(page) == [["0.3"]]
    page.until("document.querySelector('#history').innerText.includes('1 row')")
    assert "1 rows" not in page.evaluate("document.body.innerText")


def test_the_first_visit_offers_questions_that_are_answered(page):
    offered = page.evaluate("[...document.querySelectorAll('#welcome .link')].map(each => each.textContent)")

    assert len(offered) == 6
    for question in offered:
        page.evaluate(f"document.querySelector('#question').value = {json.dumps(question)}")
        page.evaluate("document.querySelector('#answer').dataset.status = ''; document.querySelector('#send').click()")
        page.until(status_is("success"))


def test_a_thumb_says_what_came_of_it(page, shared):
    page.type("how many products are there?")
    page.press("Enter")
    page.until(status_is("success"))
    for answer, words in (("Yes", "it answers whoever asks the same"), ("No", "no longer used")):
        page.evaluate(f"[...document.querySelectorAll('.thumb')].find(b => b.textContent === '{answer}').click()")
        page.until(f"document.querySelector('#status').textContent.includes('{words}')")
        page.evaluate("document.querySelector('#answer').dataset.status = ''; document.querySelector('#send').click()")
        page.until(status_is("success"))

    assert "from the grammar" in page.evaluate("document.querySelector('#answer').innerText")


def test_on_a_phone_nothing_is_cut_off_and_the_chart_can_be_read(page):
    page.resize(390, 844)
    page.type("number of orders per month")
    page.press("Enter")
    page.until(status_is("success"))

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    chart = page.evaluate("(r => [r.left, r.right])(document.querySelector('svg.chart').getBoundingClientRect())")
    assert chart[0] >= 0
    assert chart[1] <= 390
    assert page.evaluate("document.querySelector('svg.chart text').getBoundingClientRect().height") >= 10


def test_what_is_in_a_cell_is_text_and_never_markup(page):
    run_sql(page, "SELECT '<img src=/web/none.png onerror=alert(1)><script>x</script>' AS \"<b>x</b>\"")
    page.until(
        "document.querySelector('#answer th') && document.querySelector('#answer th').textContent === '<b>x</b>'"
    )

    assert rows(page) == [["<img src=/web/none.png onerror=alert(1)><script>x</script>"]]
    assert page.evaluate("document.querySelectorAll('#answer img, #answer script, #answer b').length") == 0


def test_the_question_back_is_answered_by_a_key_and_shows_previews(start, model, browser):
    model.steps = [model.answer("customers", "orders")]
    spyne = start(OPENAI_API_KEY="sk-for-tests", OPENAI_BASE_URL=model.url)
    browser.open(str(spyne.client.base_url))

    browser.type("how many are there?")
    browser.press("Enter")
    browser.until(status_is("needs_clarification"))
    options = browser.evaluate("[...document.querySelectorAll('.option')].map(o => o.innerText)")
    browser.type("2")
    browser.until(status_is("success"))

    assert len(options) == 2
    assert "First rows: 60." in options[0]
    assert "60" in options[0]
    assert "400" in options[1]
    assert rows(browser) == [["400"]]


def test_a_key_is_asked_for_once_and_not_shown(start, browser):
    spyne = start(RCA_API_KEY="may-ask", RCA_ADMIN_KEY="may-all")
    browser.visit(str(spyne.client.base_url))
    for key in ("wrong", "may-ask"):
        browser.until("document.querySelector('#key-dialog').open && document.activeElement.id === 'key'")
        assert browser.evaluate("[document.activeElement.type, document.activeElement.value]") == ["password", ""]
        browser.type(key)
        browser.press("Enter")
    browser.until("document.body.dataset.ready === 'true'")

    browser.type("show me all tables")
    browser.press("Enter")
    browser.until(status_is("success"))

    assert len(rows(browser)) == 4
    assert "may-ask" not in browser.evaluate("document.documentElement.outerHTML")


def test_the_schema_and_the_history_are_at_the_side(page):
    run_sql(page, "SELECT 1 AS one")
    page.until("document.querySelector('#history').innerText.includes('SELECT 1 AS one')")

    tables = page.evaluate("[...document.querySelectorAll('#schema > details > summary')].map(s => s.firstChild.data)")
    columns = page.evaluate("document.querySelector('#schema details').textContent")
    assert set(tables) == {"customers", "products", "orders", "order_items"}
    assert "first_name" in columns


def test_the_page_asks_nobody_but_its_own_service(page, shared):
    page.evaluate("document.querySelector('#question').select()")
    page.type("show me all tables")
    page.press("Enter")
    page.until(status_is("success"))

    assert page.asked
    assert all(url.startswith(str(shared.client.base_url)) for url in page.asked if url != "about:blank")


def test_without_the_service_the_page_says_so(start, browser):
    spyne = start()
    browser.open(str(spyne.client.base_url))
    spyne.stop()

    browser.type("show me all tables")
    browser.press("Enter")
    browser.until("document.querySelector('#status').className === 'wrong'")

    assert "cannot be reached" in browser.evaluate("document.querySelector('#status').textContent")


@pytest.mark.parametrize(
    ("columns", "cells", "kind"),
    [
        (["month", "n"], [["2024-02-01", 2], ["2024-01-01", 1]], "line"),
        (["year", "n"], [[2023, 5], [2024, 6]], "line"),
        (["n", "city"], [[3, "Oslo"], [4, "Porto"]], "bars"),
        (["city", "n"], [["Oslo", 3]], None),
        (["city", "country"], [["Oslo", "Norway"], ["Porto", "Portugal"]], None),
        (["a", "b"], [[1, 2], [3, 4]], None),
        (["city", "n", "m"], [["Oslo", 3, 4], ["Porto", 3, 4]], None),
        (["city", "n"], [[f"c{n}", n] for n in range(41)], None),
        (["city", "n"], [["Oslo", None], ["Porto", None]], None),
    ],
)  # fmt: skip
def test_a_chart_is_drawn_when_one_fits(page, columns, cells, kind):
    module = "document.querySelector('script').src.replace('page.js', 'chart.js')"
    arguments = f"{json.dumps(columns)}, {json.dumps(cells)}"
    found = page.evaluate(f"import({module}).then(m => m.fitting({arguments})?.kind ?? null)")

    assert found == kind


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme):
    css = files(spyne.web).joinpath("static", "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", light if scheme == "light" else dark))

    for text in ("text", "quiet", "accent", "wrong"):
        for ground in ("ground", "raised"):
            darker, lighter = sorted((luminance(colours[text]), luminance(colours[ground])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{text} on {ground}"


def luminance(colour):
    plain = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(plain[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_page_has_a_strict_policy(shared):
    policy = shared.client.get("/").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_another_visit_leaves_the_requests_a_minute_for_questions(shared):
    page = shared.client.get("/")
    parts = [shared.client.get(path) for path in re.findall(r'(?:src|href)="(/web/[^"]+)"', page.text)]

    assert page.headers["cache-control"] == "no-cache"
    assert len(parts) == 3
    assert all("immutable" in part.headers["cache-control"] for part in parts)
    assert all('from "./' in line for part in parts for line in part.text.splitlines() if line.startswith("import"))


def test_the_page_can_be_switched_off(start, shared):
    (script,) = re.findall(r'src="([^"]+)"', shared.client.get("/").text)
    spyne = start(RCA_ENABLE_WEB="false")

    assert [spyne.client.get(path).status_code for path in ("/", script)] == [404, 404]
