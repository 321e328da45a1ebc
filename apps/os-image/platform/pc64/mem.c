/*
 * Physical memory at boot and the kernel half of every address space.
 *
 *     ffff8000_00000000  direct map: physical address p at DIRECT_BASE + p. RAM is mapped at boot, anything else (devices,
 *                        firmware tables) by 2 MiB on first use, uncached
 *     ffffc000_00200000  linear memory of the isolate; the page below it is `struct cpu`. Mapped from the second 64 KiB on,
 *                        a page at a time on first use, as far as memory.grow has gone; nothing else for 512 GiB
 *     ffffffff_80100000  the kernel image, W^X, with a guard page below the stack
 *
 * Page supply: kernel page tables and linear memory take pages from the boot extent, which lies behind the kernel image, and
 * then from those the kernel donates. Everything else of RAM is reported as regions and belongs to the kernel's allocator.
 * Invariant: a page of the supply is never given back.
 */
#include "pc64.h"

#define PTE_P 0x1ull
#define PTE_W 0x2ull
#define PTE_CD 0x18ull /* PWT and PCD: uncached */
#define PTE_AD 0x60ull /* accessed and dirty from the start: the CPU need not write them */
#define PTE_PS 0x80ull
#define PTE_G 0x100ull
#define PTE_NX (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define TABLE (PTE_P | PTE_W | PTE_AD)
#define DATA (PTE_P | PTE_W | PTE_AD | PTE_G | PTE_NX)

#define MIB 0x100000ull
#define GIB 0x40000000ull
#define PAGE_2M (2 * MIB)
#define KERNEL_HALF 256

#define WASM_PAGE 65536ull
#define LINEAR_START 65536ull /* --memoryBase: below it nothing is mapped, so a null reference faults */
#define LINEAR_MAX_PAGES 65536u
#define FAULT_AROUND 16
#define TABLE_SLACK 8 /* pages of the supply kept for page tables */

#define PVH_MAGIC 0x336ec578
#define MEMORY_RAM 1
#define MAX_REGIONS 64

struct pvh_start_info {
  u32 magic, version, flags, module_count;
  u64 modules, cmdline, rsdp, memory_map;
  u32 memory_map_count, reserved;
};
struct pvh_module {
  u64 base, size, cmdline, reserved;
};
struct pvh_memory {
  u64 base, size;
  u32 type, reserved;
};
struct region {
  u64 base, end;
};

enum { BOOT_CMDLINE, BOOT_CMDLINE_SIZE, BOOT_MODULE, BOOT_MODULE_SIZE, BOOT_RSDP, BOOT_TSC_HZ };

static struct region regions[MAX_REGIONS];
static u32 region_count;
static u64 params[5];

static struct region extent; /* what is left of the boot extent */
static u64 donated;          /* list of donated pages, linked through their first 8 bytes; 0 ends it */
static u32 donated_count;

static u64 kernel_root, current_root;
bool mem_grow_failed;
static u32 linear_pages; /* size of the linear memory in WebAssembly pages */

/* ---- page supply ---- */

static u64 take_page(void) {
  u64 pa;
  if (extent.base < extent.end) {
    pa = extent.base;
    extent.base += PAGE;
  } else if (donated != 0) {
    pa = donated;
    donated = *(u64 *)direct(pa);
    donated_count--;
  } else panic("the kernel heap is exhausted");
  machine_zeroPhys(pa, PAGE);
  return pa;
}

static u32 supply(void) { return (u32)((extent.end - extent.base) / PAGE) + donated_count; }

u32 machine_heapReserve(void) { return supply() > TABLE_SLACK ? supply() - TABLE_SLACK : 0; }

void machine_heapDonate(u64 pa) {
  *(u64 *)direct(pa) = donated;
  donated = pa;
  donated_count++;
}

/* ---- page tables ---- */

static u64 *table_of(u64 entry) { return direct(entry & PTE_ADDRESS); }

/* The entry of `va` at `level` (1: 4 KiB, 2: 2 MiB, 3: 1 GiB, 4: 512 GiB), with the tables above it made. */
static u64 *entry_of(u64 va, u32 level) {
  u64 *table = direct(kernel_root);
  for (u32 l = 4;; l--) {
    u64 *e = &table[(va >> (12 + 9 * (l - 1))) & 511];
    if (l == level) return e;
    if (!(*e & PTE_P)) *e = take_page() | TABLE;
    table = table_of(*e);
  }
}

static void map_ram(struct region r) {
  u64 pa = ALIGN_DOWN(r.base, PAGE_2M);
  while (pa < r.end) {
    const bool large = cpu_has_1g_pages && pa % GIB == 0 && r.end - pa >= GIB;
    u64 *e = entry_of(DIRECT_BASE + pa, large ? 3 : 2);
    if (!(*e & PTE_P)) *e = pa | DATA | PTE_PS;
    pa += large ? GIB : PAGE_2M;
  }
}

static void map_image(const char *from, const char *to, u64 flags) {
  for (const char *p = from; p < to; p += PAGE) *entry_of((u64)p, 1) = phys_of(p) | PTE_P | PTE_AD | PTE_G | flags;
}

/* The direct map of the kernel image becomes as read-only as the image itself. */
static void protect_alias(void) {
  const u64 end = phys_of(rodata_end);
  for (u64 big = ALIGN_DOWN(KERNEL_PHYS, PAGE_2M); big < end; big += PAGE_2M) {
    *entry_of(DIRECT_BASE + big, 2) = take_page() | TABLE;
    for (u64 pa = big; pa < big + PAGE_2M; pa += PAGE)
      *entry_of(DIRECT_BASE + pa, 1) = pa | (pa >= phys_of(kernel_start) && pa < end ? DATA & ~PTE_W : DATA);
  }
}

static void build_tables(const struct pvh_memory *map, u32 count) {
  kernel_root = take_page();
  for (u32 i = 0; i < count; i++)
    if (map[i].type == MEMORY_RAM) map_ram((struct region){map[i].base, map[i].base + map[i].size});
  protect_alias();
  map_image(kernel_start, text_end, 0);
  map_image(text_end, rodata_end, PTE_NX);
  map_image(rodata_end, kernel_end, PTE_W | PTE_NX);
  *entry_of((u64)kernel_stack_guard, 1) = 0;
  *entry_of(LINEAR_BASE - PAGE, 1) = phys_of(cpu_page) | DATA;
  u64 va = LINEAR_BASE + LINEAR_START;
  for (const char *p = linear_image; p < linear_image_end; p += PAGE, va += PAGE) *entry_of(va, 1) = phys_of(p) | DATA;
  linear_pages = kts_memory_pages;
}

/* ---- faults ---- */

static void map_heap(u64 va) {
  va = ALIGN_DOWN(va, PAGE);
  u64 n = 1;
  if (extent.end - extent.base >= 2 * FAULT_AROUND * PAGE) {
    va = ALIGN_DOWN(va, FAULT_AROUND * PAGE);
    n = FAULT_AROUND;
  }
  for (; n > 0; n--, va += PAGE) {
    u64 *e = entry_of(va, 1);
    if (!(*e & PTE_P)) *e = take_page() | DATA;
  }
}

static void map_device(u64 va) {
  *entry_of(va, 2) = ALIGN_DOWN(va - DIRECT_BASE, PAGE_2M) | DATA | PTE_PS | PTE_CD;
  const u32 slot = (va >> 39) & 511;
  ((u64 *)direct(current_root))[slot] = ((u64 *)direct(kernel_root))[slot];
}

/* A page fault of the kernel at `va`: true when it was a first use and the access can be done again. */
bool mem_fault(u64 va, u64 error) {
  if ((error & PTE_P) || kernel_root == 0) return false;
  if (va >= LINEAR_BASE + LINEAR_START && va < LINEAR_BASE + linear_pages * WASM_PAGE) map_heap(va);
  else if (va >= DIRECT_BASE && va < DIRECT_BASE + (1ull << cpu_phys_bits)) map_device(va);
  else return false;
  return true;
}

/* ---- linear memory ---- */

u32 wasm_memory_size(void) { return linear_pages; }

/* memory.grow: the old size, or -1 when the supply could not back the new pages. asc's allocator asks for more than it needs first. */
u32 wasm_memory_grow(u32 pages) {
  mem_grow_failed = pages > LINEAR_MAX_PAGES - linear_pages || pages * (WASM_PAGE / PAGE) > machine_heapReserve();
  if (mem_grow_failed) return (u32)-1;
  const u32 old = linear_pages;
  linear_pages += pages;
  return old;
}

/* ---- regions ---- */

static void add_region(u64 base, u64 end) {
  if (base < end && region_count < MAX_REGIONS) regions[region_count++] = (struct region){base, end};
}

static void exclude(u64 base, u64 end) {
  base = ALIGN_DOWN(base, PAGE);
  end = ALIGN_UP(end, PAGE);
  const u32 count = region_count;
  for (u32 i = 0; i < count; i++) {
    struct region *r = &regions[i];
    if (base >= end || end <= r->base || base >= r->end) continue;
    add_region(end, r->end);
    r->end = base > r->base ? base : r->base;
  }
}

/* Takes the boot extent from the free memory behind the kernel image: 32 bytes for each page of RAM, 2 MiB and its page tables. */
static void reserve_extent(u64 ram) {
  const u64 start = ALIGN_UP(phys_of(kernel_end), PAGE);
  u64 size = ram / PAGE * 32 + 2 * MIB;
  size = ALIGN_UP(size + size / 512 + (cpu_has_1g_pages ? 0 : ram / (512 * 512)) + 32 * PAGE, PAGE);
  for (u32 i = 0; i < region_count; i++) {
    if (start < regions[i].base || start >= regions[i].end) continue;
    const u64 most = ALIGN_DOWN((regions[i].end - start) / 4 * 3, PAGE);
    extent = (struct region){start, start + (size < most ? size : most)};
  }
  if (extent.end - extent.base < MIB) panic("not enough memory behind the kernel image");
}

static void collect_regions(const struct pvh_start_info *info, const struct pvh_memory *map) {
  u64 ram = 0;
  for (u32 i = 0; i < info->memory_map_count; i++) {
    if (map[i].type != MEMORY_RAM) continue;
    add_region(ALIGN_UP(map[i].base, PAGE), ALIGN_DOWN(map[i].base + map[i].size, PAGE));
    ram += map[i].size;
  }
  exclude(0, MIB);
  exclude(phys_of(kernel_start), phys_of(kernel_end));
  exclude((u64)info - DIRECT_BASE, (u64)(info + 1) - DIRECT_BASE);
  exclude(info->memory_map, info->memory_map + info->memory_map_count * sizeof *map);
  exclude(params[BOOT_CMDLINE], params[BOOT_CMDLINE] + params[BOOT_CMDLINE_SIZE] + 1);
  if (params[BOOT_MODULE_SIZE]) exclude(params[BOOT_MODULE], params[BOOT_MODULE] + params[BOOT_MODULE_SIZE]);
  reserve_extent(ram);
  exclude(extent.base, extent.end);
  u32 kept = 0;
  for (u32 i = 0; i < region_count; i++) {
    const struct region r = regions[i];
    if (r.base >= r.end) continue;
    u32 at = kept++;
    for (; at > 0 && regions[at - 1].base > r.base; at--) regions[at] = regions[at - 1];
    regions[at] = r;
  }
  region_count = kept;
}

void mem_init(u64 start_info) {
  const struct pvh_start_info *info = direct(start_info);
  if (start_info >= GIB || info->magic != PVH_MAGIC || info->version < 1) panic("not started through PVH with a memory map");
  const struct pvh_memory *map = direct(info->memory_map);
  if (info->cmdline) {
    params[BOOT_CMDLINE] = info->cmdline;
    params[BOOT_CMDLINE_SIZE] = __builtin_strlen(direct(info->cmdline));
  }
  if (info->module_count) {
    const struct pvh_module *module = direct(info->modules);
    params[BOOT_MODULE] = module->base;
    params[BOOT_MODULE_SIZE] = module->size;
  }
  params[BOOT_RSDP] = info->rsdp;
  collect_regions(info, map);
  build_tables(map, info->memory_map_count);
  machine_setRoot(kernel_root);
}

/* ---- imports ---- */

u32 machine_memRegionCount(void) { return region_count; }
u64 machine_memRegionBase(u32 i) { return i < region_count ? regions[i].base : 0; }
u64 machine_memRegionSize(u32 i) { return i < region_count ? regions[i].end - regions[i].base : 0; }

u64 machine_bootParam(u32 i) {
  if (i == BOOT_TSC_HZ) return clock_tsc_hz;
  return i < BOOT_TSC_HZ ? params[i] : 0;
}

void machine_setRoot(u64 root) {
  if (root == current_root) return;
  current_root = root;
  WRITE_CR(3, root);
}

void machine_initRoot(u64 root) { memmove((u64 *)direct(root) + KERNEL_HALF, (u64 *)direct(kernel_root) + KERNEL_HALF, KERNEL_HALF * 8); }

void machine_flushAll(void) { WRITE_CR(3, current_root); }
