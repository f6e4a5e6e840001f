/* A picture of each device's memory: a bar a device, a segment a model, in shades by part. */
#include "plan/plan.h"

#include "core/api.h"

#include <string.h>

#define WIDTH     960
#define LEFT      20
#define BAR_WIDTH 920
#define BAR       34
#define LINE      19

static const char *const hues[] = {"#3b6fb6", "#c0652b", "#3f8f5a", "#8a4f9e",
                                   "#b03a48", "#4a8c96", "#8a7a2f", "#6b6f78"};
#define HUES (sizeof hues / sizeof *hues)

static void put_escaped(struct hl_buf *buf, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            hl_buf_puts(buf, "&amp;");
        else if (c == '<')
            hl_buf_puts(buf, "&lt;");
        else if (c == '>')
            hl_buf_puts(buf, "&gt;");
        else if (c == '"')
            hl_buf_puts(buf, "&quot;");
        else if (c == 0xef &&
                 (!strncmp(text, "\xef\xbf\xbe", 3) || !strncmp(text, "\xef\xbf\xbf", 3)))
            text += 2; /* no characters of XML */
        else
            hl_buf_putc(buf, c < 0x20 ? ' ' : *text);
    }
}

static void put_text(struct hl_buf *buf, int x, int y, const char *style, const char *text)
{
    hl_buf_printf(buf, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style);
    put_escaped(buf, text);
    hl_buf_puts(buf, "</text>\n");
}

struct bar {
    int y;
    int64_t at, whole; /* bytes drawn, bytes of the full width */
};

/* Tenths of a pixel, so that nothing depends on the locale. */
static long long tenths(const struct bar *bar, int64_t bytes)
{
    return (long long)((double)bytes / (double)bar->whole * BAR_WIDTH * 10);
}

static void put_box(struct hl_buf *buf, struct bar *bar, int64_t bytes, const char *fill,
                    const char *opacity, const char *title, const char *what)
{
    if (bytes <= 0)
        return;
    long long x = tenths(bar, bar->at) + LEFT * 10, width = tenths(bar, bytes);
    hl_buf_printf(buf,
                  "<rect x=\"%lld.%lld\" y=\"%d\" width=\"%lld.%lld\" height=\"%d\" fill=\"%s\" "
                  "fill-opacity=\"%s\"><title>",
                  x / 10, x % 10, bar->y, width / 10, width % 10, BAR, fill, opacity);
    put_escaped(buf, title);
    hl_buf_printf(buf, ": %s ", what);
    hl_plan_put_size(buf, bytes);
    hl_buf_puts(buf, "</title></rect>\n");
    bar->at += bytes;
}

static void put_segment(struct hl_buf *buf, struct bar *bar, const struct hl_plan_part *part,
                        const char *name, const char *hue)
{
    long long x = tenths(bar, bar->at) + LEFT * 10;
    put_box(buf, bar, part->weights, hue, "1", name, "weights");
    put_box(buf, bar, part->context, hue, "0.72", name, "KV cache");
    put_box(buf, bar, part->compute, hue, "0.5", name, "compute");
    put_box(buf, bar, part->overhead, hue, "0.3", name, "overhead");
    hl_buf_printf(buf,
                  "<line x1=\"%lld.%lld\" y1=\"%d\" x2=\"%lld.%lld\" y2=\"%d\" stroke=\"#fff\" "
                  "stroke-width=\"2\"/>\n",
                  x / 10, x % 10, bar->y, x / 10, x % 10, bar->y + BAR);
}

static bool on_device(const struct hl_plan_model *model, size_t device, size_t *part)
{
    for (*part = 0; model->placed && *part < model->way.part_count; ++*part)
        if (model->way.parts[*part].device == device)
            return true;
    return false;
}

static int put_legend(struct hl_buf *buf, const homelab_plan *plan, size_t device, int y)
{
    size_t part;
    for (size_t i = 0; i < plan->model_count; i++) {
        const struct hl_plan_model *model = &plan->models[i];
        if (!on_device(model, device, &part))
            continue;
        const struct hl_plan_part *at = &model->way.parts[part];
        struct hl_buf line;
        hl_buf_init(&line, HL_PLAN_MAX_TEXT);
        hl_buf_printf(&line, "%s  ", model->name);
        hl_plan_put_size(&line, hl_part_total(at));
        if (!model->way.given) {
            hl_buf_puts(&line, " = weights ");
            hl_plan_put_size(&line, at->weights);
            hl_buf_puts(&line, " + KV ");
            hl_plan_put_size(&line, at->context);
            hl_buf_puts(&line, " + compute ");
            hl_plan_put_size(&line, at->compute);
            hl_buf_puts(&line, " + overhead ");
            hl_plan_put_size(&line, at->overhead);
        }
        hl_buf_printf(buf, "<rect x=\"%d\" y=\"%d\" width=\"11\" height=\"11\" fill=\"%s\"/>\n",
                      LEFT, y + 4, hues[i % HUES]);
        put_text(buf, LEFT + 18, y + 14, "s", line.data ? line.data : "");
        buf->failed = buf->failed ? buf->failed : line.failed;
        hl_buf_free(&line);
        y += LINE;
    }
    return y;
}

static bool in_set(const homelab_plan *plan, const struct hl_plan_model *model, size_t set)
{
    return !plan->set_count || model->sets >> set & 1;
}

/* What is loaded together: all models, or those of a set. Below it the set's name. */
static int put_bar(struct hl_buf *buf, const homelab_plan *plan, size_t d, size_t set, int y)
{
    const struct hl_plan_device *device = &plan->devices[d];
    int64_t taken = device->used + device->planned;
    struct bar bar = {.y = y, .whole = device->capacity > taken ? device->capacity : taken};
    hl_buf_printf(buf, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#e6e8eb\"/>\n",
                  LEFT, bar.y, BAR_WIDTH, BAR);
    if (bar.whole > 0)
        put_box(buf, &bar, device->used, "#9aa0a8", "1", device->id, "kept by others");
    for (size_t i = 0; bar.whole > 0 && i < plan->model_count; i++) {
        const struct hl_plan_model *model = &plan->models[i];
        size_t part;
        if (in_set(plan, model, set) && on_device(model, d, &part))
            put_segment(buf, &bar, &model->way.parts[part], model->name, hues[i % HUES]);
    }
    y += BAR;
    if (!plan->set_count)
        return y;
    put_text(buf, LEFT, y + 14, "s", plan->sets[set]);
    return y + LINE;
}

static size_t bar_count(const homelab_plan *plan)
{
    return plan->set_count ? plan->set_count : 1;
}

static int put_device(struct hl_buf *buf, const homelab_plan *plan, size_t d, int y)
{
    const struct hl_plan_device *device = &plan->devices[d];
    int64_t taken = device->used + device->planned;
    struct hl_buf title;
    hl_buf_init(&title, HL_PLAN_MAX_TEXT);
    hl_buf_printf(&title, "%s%s%s  ", device->id, device->name ? "  " : "",
                  device->name ? device->name : "");
    hl_plan_put_size(&title, taken);
    hl_buf_puts(&title, " of ");
    hl_plan_put_size(&title, device->capacity);
    if (device->capacity)
        hl_buf_printf(&title, ", %d %%",
                      (int)((double)taken * 100 / (double)device->capacity + 0.5));
    put_text(buf, LEFT, y + 16, "t", title.data ? title.data : "");
    buf->failed = buf->failed ? buf->failed : title.failed;
    hl_buf_free(&title);
    y += 26;
    for (size_t set = 0; set < bar_count(plan); set++)
        y = put_bar(buf, plan, d, set, y);
    return put_legend(buf, plan, d, y + 4) + 16;
}

static bool shown(const homelab_plan *plan, size_t device)
{
    return plan->devices[device].gpu >= 0 || plan->devices[device].planned > 0;
}

static int height_of(const homelab_plan *plan)
{
    int height = 56;
    size_t part;
    for (size_t d = 0; d < plan->device_count; d++) {
        if (!shown(plan, d))
            continue;
        height += 26 + 4 + 16;
        height += (int)bar_count(plan) * (BAR + (plan->set_count ? LINE : 0));
        for (size_t i = 0; i < plan->model_count; i++)
            height += on_device(&plan->models[i], d, &part) ? LINE : 0;
    }
    return height;
}

char *homelab_plan_svg(const homelab_plan *plan)
{
    HL_API(plan ? plan->allocator : NULL);
    if (!plan) {
        hl_error_argument("plan", "a pointer");
        return NULL;
    }
    struct hl_buf buf;
    int height = height_of(plan), y = 44;
    hl_buf_init(&buf, HL_PLAN_MAX_TEXT);
    hl_buf_printf(&buf,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "viewBox=\"0 0 %d %d\">\n"
                  "<style>text{font-family:sans-serif;fill:#1d2126}.t{font-size:15px;"
                  "font-weight:bold}.s{font-size:13px}</style>\n"
                  "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                  WIDTH, height, WIDTH, height, WIDTH, height);
    put_text(&buf, LEFT, 24, "s",
             "Shades from full to pale: weights, KV cache, compute buffers, overhead. Grey: kept "
             "by others; pale grey: free.");
    for (size_t d = 0; d < plan->device_count; d++)
        if (shown(plan, d))
            y = put_device(&buf, plan, d, y);
    hl_buf_puts(&buf, "</svg>\n");
    return hl_buf_take(&buf);
}
