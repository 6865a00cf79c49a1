#include "os/peer.h"

#include "os/files.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE_FILE "/proc/net/tcp"

enum {
    TABLE_SIZE_MAX = 16 << 20,
    REPLY_SIZE = 1024,
    /* A socket in TIME_WAIT belongs to nobody any more and is shown as root's. */
    STATE_ESTABLISHED = 1,
};

struct question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
};

static struct question question_of(const struct sockaddr_in *its, const struct sockaddr_in *ours)
{
    return (struct question){
        .header = {.nlmsg_len = sizeof(struct question),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .request = {.sdiag_family = AF_INET,
                    .sdiag_protocol = IPPROTO_TCP,
                    .idiag_states = UINT32_MAX,
                    .id = {.idiag_sport = its->sin_port,
                           .idiag_dport = ours->sin_port,
                           .idiag_src = {its->sin_addr.s_addr},
                           .idiag_dst = {ours->sin_addr.s_addr},
                           .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
}

/* false: the kernel does not answer such questions; *ret_found: it knows the socket. */
static bool ask_kernel(const struct sockaddr_in *its, const struct sockaddr_in *ours,
                       bool *ret_found, uid_t *ret_user)
{
    struct question q = question_of(its, ours);
    _Alignas(struct nlmsghdr) char reply[REPLY_SIZE];
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    ssize_t got = -1;
    if (send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q))
        got = recv(fd, reply, sizeof(reply), 0);
    close(fd);
    const struct nlmsghdr *header = (const void *)reply;
    if (got < (ssize_t)sizeof(*header))
        return false;
    const void *body = reply + NLMSG_HDRLEN;
    if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
        (size_t)got >= NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
        *ret_user = ((const struct inet_diag_msg *)body)->idiag_uid;
        *ret_found = ((const struct inet_diag_msg *)body)->idiag_state == STATE_ESTABLISHED;
        return true;
    }
    *ret_found = false;
    return header->nlmsg_type == NLMSG_ERROR &&
           (size_t)got >= NLMSG_LENGTH(sizeof(struct nlmsgerr)) &&
           ((const struct nlmsgerr *)body)->error == -ENOENT;
}

/* "0100007F:1F90": the address as the machine holds it, the port as it is said. */
static size_t end_text(const struct sockaddr_in *end, char to[static 16])
{
    return (size_t)snprintf(to, 16, "%08X:%04X", end->sin_addr.s_addr, ntohs(end->sin_port));
}

static struct str next_field(struct str *line)
{
    *line = str_trim(*line);
    struct str field = str_slice(*line, 0, str_find_char(*line, ' '));
    *line = str_slice(*line, field.len, line->len);
    return field;
}

static bool read_number(struct str digits, uid_t *ret_number)
{
    uint64_t number = 0;
    if (!digits.len || digits.len > 10)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    *ret_number = (uid_t)number;
    return number < UINT32_MAX;
}

/* sl local remote st queues timer retransmits uid ... */
static bool read_line(struct str line, struct str its, struct str ours, uid_t *ret_user)
{
    enum {
        LOCAL = 1,
        REMOTE = 2,
        STATE = 3,
        USER = 7,
        FIELDS
    };
    struct str fields[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = next_field(&line);
    return str_eq(fields[LOCAL], its) && str_eq(fields[REMOTE], ours) &&
           str_eq(fields[STATE], STR("01")) && read_number(fields[USER], ret_user);
}

bool peer_user_in(struct str table, const struct sockaddr_in *its, const struct sockaddr_in *ours,
                  uid_t *ret_user)
{
    char its_text[16], our_text[16];
    struct str its_end = str_of(its_text, end_text(its, its_text));
    struct str our_end = str_of(our_text, end_text(ours, our_text));
    while (table.len) {
        size_t end = str_find_char(table, '\n');
        if (read_line(str_slice(table, 0, end), its_end, our_end, ret_user))
            return true;
        table = end == SIZE_MAX ? STR("") : str_slice(table, end + 1, table.len);
    }
    return false;
}

static bool read_table(const struct sockaddr_in *its, const struct sockaddr_in *ours,
                       uid_t *ret_user)
{
    struct arena *scratch = arena_new(0);
    struct str table;
    bool found = file_read(scratch, TABLE_FILE, TABLE_SIZE_MAX, &table, NULL) &&
                 peer_user_in(table, its, ours, ret_user);
    arena_free(scratch);
    return found;
}

bool peer_user(int fd, uid_t *ret_user)
{
    struct sockaddr_in its = {0}, ours = {0};
    socklen_t its_size = sizeof(its), our_size = sizeof(ours);
    bool found = false;
    if (getpeername(fd, (struct sockaddr *)&its, &its_size) != 0 ||
        getsockname(fd, (struct sockaddr *)&ours, &our_size) != 0 || its.sin_family != AF_INET)
        return false;
    if (ask_kernel(&its, &ours, &found, ret_user))
        return found;
    return read_table(&its, &ours, ret_user);
}
