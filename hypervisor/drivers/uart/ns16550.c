/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * 16550 serial ports on I/O ports, as the console's device.
 *
 * Sending is polled: when the transmitter says it is empty its FIFO takes 16 bytes without another
 * look (`room` counts them down), so that a line costs one status read for 16 bytes. A transmitter
 * that stays full for POLLS_MAX reads is stuck: it loses bytes, after one read each, until it is
 * empty again. A console is not worth a hung machine.
 *
 * Receiving is by interrupt (or timer): bytes go to console_receive until the FIFO is empty.
 *
 * Locks: none of its own. put is called under the console's lock and writes THR and `room`; the
 * receiving half reads RBR and LSR and never writes, so both may run at once.
 *
 * Registers: National Semiconductor PC16550D data sheet; port numbers are those of every PC.
 */
#include "hypervisor/uart.h"

#include "asm/irq.h"
#include "asm/msr.h"
#include "hypervisor/console.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

enum uart_register {
    UART_DATA = 0,        /* receiver buffer, transmitter holding */
    UART_INTERRUPTS = 1,  /* enable */
    UART_FIFO = 2,        /* control */
    UART_LINE = 3,        /* control */
    UART_MODEM = 4,       /* control */
    UART_STATUS = 5,      /* of the line */
    UART_DIVISOR_LOW = 0, /* while LINE_DIVISOR_LATCH is set */
    UART_DIVISOR_HIGH = 1,
};

#define INTERRUPT_RECEIVED 0x01
#define FIFO_ENABLE_CLEAR  0x07 /* on, both emptied, an interrupt for each byte */
#define LINE_DIVISOR_LATCH 0x80
#define LINE_STOP2         0x04
#define LINE_PARITY        0x08
#define LINE_PARITY_EVEN   0x10
#define LINE_PARITY_STICK  0x20
#define MODEM_DTR_RTS      0x03
#define MODEM_OUT2         0x08 /* connects the interrupt on a PC */
#define STATUS_RECEIVED    0x01
#define STATUS_EMPTY       0x20 /* transmitter holding register, or its FIFO */
#define STATUS_ABSENT      0xff /* nobody drives the bus */

#define CLOCK_BAUD       115200u
#define BAUD_AUTO        0u
#define FIFO_BYTES       16u
#define POLLS_MAX        2000000u /* about two seconds */
#define RECEIVE_MAX      256u
#define POLL_INTERVAL_NS (20 * (system_time_t)NS_PER_MS)
#define PORTS            8u

struct uart {
    struct console_device device;
    uint16_t base;
    int irq;
    uint32_t baud;
    uint8_t line;      /* UART_LINE without the latch */
    unsigned int room; /* bytes the FIFO takes without a look */
    bool stuck;
};

static void put_com1(char byte);
static void put_com2(char byte);
static int get_com1(void);
static int get_com2(void);

#define LINE_8N1 0x03
static struct uart uarts[] = {
    { { "com1", put_com1, get_com1 }, 0x3f8, 4, CLOCK_BAUD, LINE_8N1, 0, false },
    { { "com2", put_com2, get_com2 }, 0x2f8, 3, CLOCK_BAUD, LINE_8N1, 0, false },
};
static struct uart *console_uart; /* the one in use */
static struct timer poll_timer;

/* ---- options --------------------------------------------------------------------------------- */

/* "8n1": data bits 5..8, parity n o e m s, stop bits 1 or 2. */
static int parse_line(const char *text, uint8_t *line)
{
    static const struct {
        char name;
        uint8_t bits;
    } parities[] = {
        { 'n', 0 },
        { 'o', LINE_PARITY },
        { 'e', LINE_PARITY | LINE_PARITY_EVEN },
        { 'm', LINE_PARITY | LINE_PARITY_STICK },
        { 's', LINE_PARITY | LINE_PARITY_EVEN | LINE_PARITY_STICK },
    };
    unsigned int i;

    if (strlen(text) != 3 || text[0] < '5' || text[0] > '8' || (text[2] != '1' && text[2] != '2')) {
        return -XEN_EINVAL;
    }
    for (i = 0; i < ARRAY_SIZE(parities); i++) {
        if (text[1] == parities[i].name) {
            *line =
                (uint8_t)((text[0] - '5') | parities[i].bits | (text[2] == '2' ? LINE_STOP2 : 0));
            return 0;
        }
    }
    return -XEN_EINVAL;
}

static int parse_number(const char *text, uint64_t limit, uint64_t *number)
{
    const char *end;

    *number = string_to_u64(text, &end, 0);
    return end == text || *end != '\0' || *number > limit ? -XEN_EINVAL : 0;
}

/* Sets what field `index` of com1= says. An empty field leaves the default. */
static int parse_field(struct uart *uart, unsigned int index, const char *text)
{
    uint64_t number;
    int error;

    if (*text == '\0') {
        return 0;
    }
    switch (index) {
    case 0:
        if (strcmp(text, "auto") == 0) {
            uart->baud = BAUD_AUTO;
            return 0;
        }
        error = parse_number(text, CLOCK_BAUD, &number);
        if (error != 0 || number == 0) {
            return -XEN_EINVAL;
        }
        uart->baud = (uint32_t)number;
        return 0;
    case 1:
        return parse_line(text, &uart->line);
    case 2:
        error = parse_number(text, UINT16_MAX - PORTS, &number);
        uart->base = error == 0 ? (uint16_t)number : uart->base;
        return error;
    case 3:
        error = parse_number(text, 255, &number);
        uart->irq = error != 0 ? uart->irq : number == 0 ? -1 : (int)number;
        return error;
    default:
        return -XEN_EINVAL;
    }
}

static int parse_com(struct uart *uart, const char *value)
{
    char text[64];
    char *field = text, *comma;
    unsigned int index;
    int error = 0;

    if (!string_copy(text, value, sizeof(text))) {
        return -XEN_EINVAL;
    }
    for (index = 0; field != NULL && error == 0; index++, field = comma) {
        comma = strchr(field, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        error = parse_field(uart, index, field);
    }
    return error;
}

static int parse_com1(const char *value)
{
    return parse_com(&uarts[0], value);
}
OPTION_CUSTOM("com1", parse_com1, "<baud>[,DPS[,io-base[,irq]]]");

static int parse_com2(const char *value)
{
    return parse_com(&uarts[1], value);
}
OPTION_CUSTOM("com2", parse_com2, "<baud>[,DPS[,io-base[,irq]]]");

static char opt_console[64] = "com1";
OPTION_STRING("console", opt_console, "com1, com2 or none");

/* The first port that console= names; words it does not know are warned about. */
static struct uart *choose(void)
{
    char *word = opt_console, *comma;
    struct uart *chosen = NULL;
    unsigned int i;

    for (; word != NULL; word = comma) {
        comma = strchr(word, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        for (i = 0; i < ARRAY_SIZE(uarts) && strcmp(word, uarts[i].device.name) != 0; i++) {
        }
        if (i < ARRAY_SIZE(uarts)) {
            chosen = chosen != NULL ? chosen : &uarts[i];
        } else if (strcmp(word, "none") != 0) {
            pr_warning("console=%s is not supported\n", word);
        }
    }
    return chosen;
}

/* ---- the device ------------------------------------------------------------------------------ */

static inline uint8_t read_register(const struct uart *uart, enum uart_register which)
{
    return io_read8((uint16_t)(uart->base + which));
}

static inline void write_register(const struct uart *uart, enum uart_register which, uint8_t value)
{
    io_write8((uint16_t)(uart->base + which), value);
}

static void put(struct uart *uart, char byte)
{
    unsigned int polls;

    for (polls = 0; uart->room == 0; polls++) {
        if (read_register(uart, UART_STATUS) & STATUS_EMPTY) {
            uart->room = FIFO_BYTES;
            uart->stuck = false;
        } else if (uart->stuck || polls >= POLLS_MAX) {
            uart->stuck = true;
            return;
        }
    }
    uart->room--;
    write_register(uart, UART_DATA, (uint8_t)byte);
}

static int get(struct uart *uart)
{
    uint8_t status = read_register(uart, UART_STATUS);

    if (status == STATUS_ABSENT || !(status & STATUS_RECEIVED)) {
        return -1;
    }
    return read_register(uart, UART_DATA);
}

static void put_com1(char byte)
{
    put(&uarts[0], byte);
}

static void put_com2(char byte)
{
    put(&uarts[1], byte);
}

static int get_com1(void)
{
    return get(&uarts[0]);
}

static int get_com2(void)
{
    return get(&uarts[1]);
}

static bool is_present(const struct uart *uart)
{
    return read_register(uart, UART_STATUS) != STATUS_ABSENT;
}

static void program(const struct uart *uart)
{
    uint32_t divisor;

    write_register(uart, UART_INTERRUPTS, 0);
    if (uart->baud != BAUD_AUTO) {
        divisor = CLOCK_BAUD / uart->baud;
        write_register(uart, UART_LINE, LINE_DIVISOR_LATCH);
        write_register(uart, UART_DIVISOR_LOW, (uint8_t)divisor);
        write_register(uart, UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
        write_register(uart, UART_LINE, uart->line);
    }
    write_register(uart, UART_FIFO, FIFO_ENABLE_CLEAR);
    write_register(uart, UART_MODEM, MODEM_DTR_RTS | MODEM_OUT2);
}

void uart_init_early(void)
{
    if (is_present(&uarts[0])) {
        write_register(&uarts[0], UART_FIFO, FIFO_ENABLE_CLEAR);
        console_attach(&uarts[0].device);
    }
}

void uart_init(void)
{
    console_uart = choose();
    if (console_uart != NULL && !is_present(console_uart)) {
        pr_warning("There is no %s at port %#x\n", console_uart->device.name, console_uart->base);
        console_uart = NULL;
    }
    if (console_uart != NULL) {
        program(console_uart);
    }
    console_attach(console_uart != NULL ? &console_uart->device : NULL);
}

/* ---- input ----------------------------------------------------------------------------------- */

void uart_poll(void)
{
    unsigned int count;
    int byte;

    for (count = 0; console_uart != NULL && count < RECEIVE_MAX; count++) {
        byte = console_uart->device.get();
        if (byte < 0) {
            break;
        }
        console_receive((char)byte);
    }
}

static void handle_interrupt(void *data)
{
    uart_poll();
}

static void handle_timer(void *data)
{
    uart_poll();
    timer_set(&poll_timer, time_now() + POLL_INTERVAL_NS);
}

void uart_start_input(void)
{
    if (console_uart == NULL) {
        return;
    }
    if (console_uart->irq >= 0 &&
        irq_request((unsigned int)console_uart->irq, console_uart->device.name, handle_interrupt,
                    NULL) == 0) {
        write_register(console_uart, UART_INTERRUPTS, INTERRUPT_RECEIVED);
        return;
    }
    console_uart->irq = -1;
    pr_info("%s: no interrupt, polling for input\n", console_uart->device.name);
    timer_init(&poll_timer, handle_timer, NULL, arch_cpu_id());
    timer_set(&poll_timer, time_now() + POLL_INTERVAL_NS);
}

bool uart_claimed(uint16_t *first_port, uint16_t *last_port, int *irq)
{
    if (console_uart == NULL) {
        return false;
    }
    *first_port = console_uart->base;
    *last_port = (uint16_t)(console_uart->base + PORTS - 1);
    *irq = console_uart->irq;
    return true;
}
