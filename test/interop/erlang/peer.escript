#!/usr/bin/env escript
%% -*- erlang -*-
%% Echo servers and clients on OTP's own ssl, for the interop tests, all in one node: starting one takes a second.
%% Prints "READY <n>": each connection to that port of loopback is a request, a line of arguments with tabs between them.
%% server: answers "PORT <n>", echoes on every TLS connection until the request's connection ends.
%% client: reads bytes (their number is given), sends them, reads as many back, answers them.
%% Ends when standard input does.
-mode(compile).

main([]) ->
    %% OTP logs alerts to standard output.
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Door} = gen_tcp:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {packet, line}, {buffer, 65536}]),
    {ok, Port} = inet:port(Door),
    io:format("READY ~w~n", [Port]),
    spawn_link(fun() -> requests(Door) end),
    io:get_line("").

requests(Door) ->
    {ok, Request} = gen_tcp:accept(Door),
    Pid = spawn(fun() -> receive go -> request(Request) end end),
    ok = gen_tcp:controlling_process(Request, Pid),
    Pid ! go,
    requests(Door).

request(Request) ->
    {ok, Line} = gen_tcp:recv(Request, 0),
    ok = inet:setopts(Request, [{packet, raw}]),
    run(string:split(string:trim(binary_to_list(Line)), "\t", all), Request).

run(["server" | Args], Request) ->
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {reuseaddr, true}
                                  | tls(parse(Args))]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    ok = gen_tcp:send(Request, io_lib:format("PORT ~w~n", [Port])),
    %% Linked, so that the connections end with the request.
    spawn_link(fun() -> accept(Listen) end),
    {error, closed} = gen_tcp:recv(Request, 0),
    exit(shutdown);
run(["client", Port, Length | Args], Request) ->
    N = list_to_integer(Length),
    {ok, Data} = gen_tcp:recv(Request, N),
    case ssl:connect({127,0,0,1}, list_to_integer(Port),
                     [binary, {active, false}, {verify, verify_peer} | tls(parse(Args))], 20000) of
        {ok, Socket} ->
            spawn_link(fun() -> ok = ssl:send(Socket, Data) end),
            {ok, Back} = ssl:recv(Socket, N, 30000),
            ok = gen_tcp:send(Request, Back),
            ssl:close(Socket);
        {error, _} ->
            ok
    end.

accept(Listen) ->
    {ok, Transport} = ssl:transport_accept(Listen),
    Pid = spawn_link(fun() ->
        receive go -> ok end,
        case ssl:handshake(Transport, 20000) of
            {ok, Socket} -> echo(Socket);
            {error, _} -> ok
        end
    end),
    ok = ssl:controlling_process(Transport, Pid),
    Pid ! go,
    accept(Listen).

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, Data} -> ok = ssl:send(Socket, Data), echo(Socket);
        {error, _} -> ok
    end.

parse(["--" ++ Key, Value | Rest]) -> [{list_to_atom(Key), Value} | parse(Rest)];
parse([]) -> [].

%% Of two that name the same option the later one holds.
tls(Opts) ->
    lists:foldl(fun({Key, _} = Option, Options) -> lists:keystore(Key, 1, Options, Option) end, [],
                lists:flatmap(fun tls_option/1, Opts)).

tls_option({version, "both"}) -> [{versions, ['tlsv1.3', 'tlsv1.2']}];
tls_option({version, V}) -> [{versions, [list_to_atom(V)]}];
tls_option({certfile, F}) -> [{certfile, F}];
tls_option({keyfile, F}) -> [{keyfile, F}];
tls_option({cafile, F}) -> [{cacertfile, F}];
tls_option({requireclient, _}) -> [{verify, verify_peer}, {fail_if_no_peer_cert, true}];
tls_option({servername, "none"}) -> [{server_name_indication, disable}];
tls_option({servername, Name}) -> [{server_name_indication, Name}];
tls_option({extra, Text}) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Options} = erl_parse:parse_term(Tokens),
    lists:flatmap(fun extra_option/1, Options);
tls_option({suite, Name}) -> [{ciphers, [ssl:str_to_suite(Name)]}];
tls_option({groups, Names}) -> [{supported_groups, [list_to_atom(G) || G <- string:split(Names, ",", all)]}];
tls_option({eccs, Names}) -> [{eccs, [list_to_atom(G) || G <- string:split(Names, ",", all)]}];
tls_option({alpnserver, Names}) -> [{alpn_preferred_protocols, [list_to_binary(P) || P <- string:split(Names, ",", all)]}];
tls_option({alpnclient, Names}) -> [{alpn_advertised_protocols, [list_to_binary(P) || P <- string:split(Names, ",", all)]}].

%% What no term can say: suites by name, and users' keys.
extra_option({suite, Name}) -> [{ciphers, [ssl:str_to_suite(Name)]}];
extra_option({psk, Key}) -> [{user_lookup_fun, {fun(psk, _, Own) -> {ok, Own} end, Key}}];
extra_option({srp, Password}) ->
    Salt = <<"a salt of 16 B..">>,
    Lookup = fun(srp, User, Own) ->
        {ok, {srp_2048, Salt, crypto:hash(sha, [Salt, crypto:hash(sha, [User, <<$:>>, Own])])}}
    end,
    [{user_lookup_fun, {Lookup, Password}}];
extra_option(Option) -> [Option].
