/*
 * A peer of DTLS 1.3 by wolfSSL's library: a server that echoes what one client after another says, or a client that is
 * told what to say.
 *
 *     peer server|client <name=value>...
 *
 * `port`, of the server to speak to; `cert`, `key` and `ca`, files with PEM; `suite`, by wolfSSL's name; `both`,
 * whether it has DTLS 1.2 too; `group`, IANA's numbers; `mtu`; `ask`, whether clients have to show a certificate;
 * `cookie`, whether they are asked for one; `frag`, whether first hellos may come in pieces; `psk` (hexadecimal) and
 * `identity`; `tickets`, whether there are any; `cid`, the connection ID to be called by, hexadecimal, `-` for none
 * while the peer's is used; `early`, of a client what it says so when it comes back, of a server how many bytes it
 * takes (none after a retry: with `cookie=0`, and the group that the client has a share of). On standard input: `send
 * <text>`, `update`, `who` (of a server: asks for a certificate), `state`, `export <label>`, `move` (to another port),
 * `again` (a client begins anew with its ticket), `close`.
 */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char **words;
static int is_server;
static int sock = -1;
static struct sockaddr_in peer;
static unsigned char datagram[65536];
static int waiting;
static WOLFSSL_CTX *ctx;
static WOLFSSL *ssl;
static WOLFSSL_SESSION *ticket;
static int done;
static long long quiet_since;
static unsigned char secret[32];

static const char *word(const char *name)
{
    size_t length = strlen(name);
    for (char **one = words; *one != NULL; one++)
        if (strncmp(*one, name, length) == 0 && (*one)[length] == '=')
            return *one + length + 1;
    return NULL;
}

static int is(const char *name, const char *value)
{
    const char *said = word(name);
    return said != NULL && strcmp(said, value) == 0;
}

static void check(int fine, const char *what)
{
    if (fine)
        return;
    printf("ERROR %s\n", what);
    exit(1);
}

static int from_hex(const char *text, unsigned char *into, int room)
{
    int length = 0;
    unsigned int byte;
    for (; length < room && sscanf(text + 2 * length, "%2x", &byte) == 1; length++)
        into[length] = (unsigned char)byte;
    return length;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void open_socket(void)
{
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof own;
    if (sock >= 0)
        close(sock);
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    check(sock >= 0 && bind(sock, (struct sockaddr *)&own, sizeof own) == 0, "no socket");
    getsockname(sock, (struct sockaddr *)&own, &length);
    printf("PORT %d\n", ntohs(own.sin_port));
}

/* One datagram at a time is put where wolfSSL looks for it. */
static int read_datagram(WOLFSSL *of, char *into, int room, void *none)
{
    int length = waiting < room ? waiting : room;
    (void)of;
    (void)none;
    if (length == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(into, datagram, length);
    waiting = 0;
    return length;
}

static int write_datagram(WOLFSSL *of, char *bytes, int length, void *none)
{
    (void)of;
    (void)none;
    sendto(sock, bytes, length, 0, (struct sockaddr *)&peer, sizeof peer);
    return length;
}

static unsigned int client_psk(WOLFSSL *of, const char *hint, char *identity, unsigned int room, unsigned char *key,
                               unsigned int key_room, const char **suite)
{
    (void)of;
    (void)hint;
    snprintf(identity, room, "%s", word("identity"));
    *suite = word("suite") != NULL ? word("suite") : "TLS13-AES128-GCM-SHA256";
    return from_hex(word("psk"), key, key_room);
}

static unsigned int server_psk(WOLFSSL *of, const char *identity, unsigned char *key, unsigned int key_room,
                               const char **suite)
{
    (void)of;
    *suite = word("suite") != NULL ? word("suite") : "TLS13-AES128-GCM-SHA256";
    return strcmp(identity, word("identity")) == 0 ? from_hex(word("psk"), key, key_room) : 0;
}

static void make_context(void)
{
    ctx = wolfSSL_CTX_new(is("both", "1") ? is_server ? wolfDTLS_server_method() : wolfDTLS_client_method()
                          : is_server     ? wolfDTLSv1_3_server_method()
                                          : wolfDTLSv1_3_client_method());
    check(ctx != NULL, "no context");
    wolfSSL_CTX_SetIORecv(ctx, read_datagram);
    wolfSSL_CTX_SetIOSend(ctx, write_datagram);
    if (word("cert") != NULL)
        check(wolfSSL_CTX_use_certificate_chain_file(ctx, word("cert")) == WOLFSSL_SUCCESS &&
                  wolfSSL_CTX_use_PrivateKey_file(ctx, word("key"), WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS,
              "the identity");
    if (word("ca") != NULL)
        check(wolfSSL_CTX_load_verify_locations(ctx, word("ca"), NULL) == WOLFSSL_SUCCESS, "the authority");
    if (is_server)
        wolfSSL_CTX_set_verify(
            ctx, is("ask", "1") ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT : WOLFSSL_VERIFY_NONE,
            NULL);
    else
        wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
#ifdef WOLFSSL_POST_HANDSHAKE_AUTH
    if (!is_server && word("cert") != NULL)
        wolfSSL_CTX_allow_post_handshake_auth(ctx);
#endif
    if (word("suite") != NULL)
        check(wolfSSL_CTX_set_cipher_list(ctx, word("suite")) == WOLFSSL_SUCCESS, "the suite");
    if (word("mtu") != NULL)
        check(wolfSSL_CTX_dtls_set_mtu(ctx, (unsigned short)atoi(word("mtu"))) == WOLFSSL_SUCCESS, "the MTU");
    if (word("psk") != NULL && is_server)
        wolfSSL_CTX_set_psk_server_tls13_callback(ctx, server_psk);
    else if (word("psk") != NULL)
        wolfSSL_CTX_set_psk_client_tls13_callback(ctx, client_psk);
    if (is("tickets", "0"))
        wolfSSL_CTX_no_ticket_TLSv13(ctx);
#ifdef WOLFSSL_EARLY_DATA
    if (is_server)
        wolfSSL_CTX_set_max_early_data(ctx, word("early") != NULL ? atoi(word("early")) : 0);
#endif
}

static void set_groups(void)
{
    int groups[16];
    int count = 0;
    char *rest = strdup(word("group"));
    for (char *one = strtok(rest, ","); one != NULL && count < 16; one = strtok(NULL, ","))
        groups[count++] = atoi(one);
    free(rest);
    check(wolfSSL_set_groups(ssl, groups, count) == WOLFSSL_SUCCESS, "the groups");
    if (!is_server)
        check(wolfSSL_UseKeyShare(ssl, (word16)groups[0]) == WOLFSSL_SUCCESS, "the share");
}

static void begin(void)
{
    unsigned char id[255];
    ssl = wolfSSL_new(ctx);
    check(ssl != NULL, "no connection");
    done = 0;
    quiet_since = now();
    wolfSSL_dtls_set_using_nonblock(ssl, 1);
    wolfSSL_KeepArrays(ssl);
    wolfSSL_dtls_set_peer(ssl, &peer, sizeof peer);
    if (word("group") != NULL)
        set_groups();
    if (is_server && is("cookie", "0"))
        wolfSSL_disable_hrr_cookie(ssl);
    else if (is_server)
        wolfSSL_send_hrr_cookie(ssl, secret, sizeof secret);
    if (is_server && is("frag", "1"))
        wolfSSL_dtls13_allow_ch_frag(ssl, 1);
    if (!is_server && word("name") != NULL) {
        wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, word("name"), (word16)strlen(word("name")));
        wolfSSL_check_domain_name(ssl, word("name"));
    }
#ifdef WOLFSSL_DTLS_CID
    if (word("cid") != NULL) {
        check(wolfSSL_dtls_cid_use(ssl) == WOLFSSL_SUCCESS, "connection IDs");
        if (!is("cid", "-"))
            check(wolfSSL_dtls_cid_set(ssl, id, from_hex(word("cid"), id, sizeof id)) == WOLFSSL_SUCCESS, "the ID");
    }
#endif
    (void)id;
    if (ticket != NULL)
        check(wolfSSL_set_session(ssl, ticket) == WOLFSSL_SUCCESS, "the ticket");
}

static void forget(void)
{
    wolfSSL_free(ssl);
    ssl = NULL;
    waiting = 0;
}

/* Whether there is more to do; says why not if that is no reason to wait. */
static int went_well(int outcome)
{
    char text[WOLFSSL_MAX_ERROR_SZ];
    int error = wolfSSL_get_error(ssl, outcome);
    if (outcome > 0)
        return 1;
    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE || error == APP_DATA_READY)
        return 0;
    if (error == WOLFSSL_ERROR_ZERO_RETURN || (outcome == 0 && error == WOLFSSL_ERROR_NONE)) {
        printf("CLOSED\n");
        wolfSSL_shutdown(ssl);
    } else
        printf("ERROR %d %s\n", error, wolfSSL_ERR_error_string(error, text));
    forget();
    return 0;
}

static void say_ready(void)
{
    unsigned int in = 0, out = 0;
#ifdef WOLFSSL_DTLS_CID
    wolfSSL_dtls_cid_get_rx_size(ssl, &in);
    wolfSSL_dtls_cid_get_tx_size(ssl, &out);
#endif
    printf("READY %s %s %s%s cid %u %u\n", wolfSSL_get_version(ssl), wolfSSL_get_cipher_name(ssl),
           wolfSSL_get_curve_name(ssl), wolfSSL_session_reused(ssl) ? " resumed" : "", in, out);
}

static void say_state(void)
{
    WOLFSSL_X509 *shown = wolfSSL_get_peer_certificate(ssl);
    printf("STATE %s, %s\n", shown != NULL ? "certificate" : "no certificate",
           wolfSSL_dtls13_has_pending_msg(ssl) ? "waits for an ACK" : "all acknowledged");
    if (shown != NULL)
        wolfSSL_X509_free(shown);
}

#ifdef WOLFSSL_EARLY_DATA
static void take_early(void)
{
    unsigned char into[16384];
    int length = 0;
    int outcome = wolfSSL_read_early_data(ssl, into, sizeof into, &length);
    if (length > 0)
        printf("EARLY %.*s\n", length, into);
    if (length == 0)
        went_well(outcome == 0 ? 1 : outcome);
}
#endif

/* Goes on with what has come, as far as that reaches. */
static void go_on(void)
{
    unsigned char into[16384];
    int length;
#ifdef WOLFSSL_EARLY_DATA
    if (is_server && word("early") != NULL && !done)
        take_early();
#endif
    if (ssl == NULL)
        return;
    if (!done) {
        if (!went_well(is_server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl)))
            return;
        done = 1;
        say_ready();
    }
    while (ssl != NULL) {
        length = wolfSSL_read(ssl, into, sizeof into);
        if (!went_well(length))
            return;
        printf("GOT %.*s\n", length, into);
        if (is_server)
            wolfSSL_write(ssl, into, length);
    }
}

static void start_client(void)
{
    begin();
#ifdef WOLFSSL_EARLY_DATA
    if (ticket != NULL && word("early") != NULL) {
        int length = 0;
        int outcome = wolfSSL_write_early_data(ssl, word("early"), (int)strlen(word("early")), &length);
        printf("SAID EARLY %d\n", length);
        if (outcome < 0 && !went_well(outcome) && ssl == NULL)
            return;
    }
#endif
    go_on();
}

static void export_keys(const char *label)
{
#ifdef HAVE_KEYING_MATERIAL
    unsigned char into[32];
    if (wolfSSL_export_keying_material(ssl, into, sizeof into, label, strlen(label), NULL, 0, 0) != WOLFSSL_SUCCESS)
        return;
    printf("KEYS ");
    for (size_t at = 0; at < sizeof into; at++)
        printf("%02x", into[at]);
    printf("\n");
#else
    printf("KEYS cannot be exported, %s\n", label);
#endif
}

static void obey(char *line)
{
    if (strcmp(line, "move") == 0)
        open_socket();
    else if (strcmp(line, "again") == 0) {
        if (ticket != NULL)
            wolfSSL_SESSION_free(ticket);
        ticket = wolfSSL_get1_session(ssl);
        wolfSSL_shutdown(ssl);
        forget();
        open_socket();
        start_client();
    } else if (ssl == NULL)
        printf("ERROR no connection\n");
    else if (strncmp(line, "send ", 5) == 0) {
        if (wolfSSL_write(ssl, line + 5, (int)strlen(line + 5)) <= 0)
            printf("ERROR not sent %d\n", wolfSSL_get_error(ssl, 0));
    } else if (strcmp(line, "update") == 0)
        printf("UPDATING %d\n", wolfSSL_update_keys(ssl));
#ifdef WOLFSSL_POST_HANDSHAKE_AUTH
    else if (strcmp(line, "who") == 0) {
        wolfSSL_set_verify(ssl, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        printf("ASKING %d\n", wolfSSL_request_certificate(ssl));
    }
#endif
    else if (strncmp(line, "export ", 7) == 0)
        export_keys(line + 7);
    else if (strcmp(line, "state") == 0)
        say_state();
    else if (strcmp(line, "close") == 0) {
        wolfSSL_shutdown(ssl);
        printf("CLOSING\n");
    }
}

static void obey_all(void)
{
    static char lines[65536];
    static size_t held;
    char *end;
    ssize_t length = read(0, lines + held, sizeof lines - held - 1);
    if (length <= 0)
        exit(0);
    held += (size_t)length;
    lines[held] = 0;
    while ((end = strchr(lines, '\n')) != NULL) {
        *end = 0;
        obey(lines);
        held -= (size_t)(end + 1 - lines);
        memmove(lines, end + 1, held + 1);
    }
}

/* A hello in the clear from another address begins another connection; with an ID all others are of the same one. */
static void take(void)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(sock, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
    int elsewhere = from.sin_port != peer.sin_port;
    if (got <= 0)
        return;
    if (is_server && (ssl == NULL || elsewhere)) {
        int hello = datagram[0] == 22 && got > 13 && datagram[13] == 1;
        if (!hello && (ssl == NULL || word("cid") == NULL))
            return;
        peer = from;
        if (hello) {
            if (ssl != NULL)
                forget();
            begin();
        } else
            printf("FROM %d\n", ntohs(from.sin_port));
    }
    if (ssl == NULL || (!is_server && elsewhere))
        return;
    waiting = (int)got;
    quiet_since = now();
    go_on();
}

/* How long to wait for a datagram, ms. */
static int patience(void)
{
    int seconds;
    if (ssl == NULL || (done && !wolfSSL_dtls13_has_pending_msg(ssl) && !wolfSSL_dtls13_use_quick_timeout(ssl)))
        return -1;
    seconds = wolfSSL_dtls_get_current_timeout(ssl);
    return wolfSSL_dtls13_use_quick_timeout(ssl) ? seconds * 250 : seconds * 1000;
}

static void ring(void)
{
    quiet_since = now();
    if (wolfSSL_dtls_got_timeout(ssl) != WOLFSSL_SUCCESS)
        went_well(-1);
    else
        go_on();
}

int main(int count, char **all)
{
    check(count > 1, "a role");
    setvbuf(stdout, NULL, _IOLBF, 0);
    words = all + 2;
    is_server = strcmp(all[1], "server") == 0;
    wolfSSL_Init();
    if (getenv("WOLFSSL_TELL") != NULL)
        wolfSSL_Debugging_ON();
    make_context();
    open_socket();
    if (!is_server) {
        peer = (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons((unsigned short)atoi(word("port"))),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        start_client();
    }
    for (;;) {
        struct pollfd watched[2] = { { .fd = 0, .events = POLLIN }, { .fd = sock, .events = POLLIN } };
        int limit = patience();
        long long left = limit < 0 ? 1000 : quiet_since + limit - now();
        poll(watched, 2, left < 0 ? 0 : (int)left);
        if (watched[1].revents != 0)
            take();
        if (watched[0].revents != 0)
            obey_all();
        limit = patience();
        if (limit >= 0 && now() - quiet_since >= limit)
            ring();
    }
}
