#!/usr/bin/env escript
%% -*- erlang -*-
%% An echo server or client on OTP's own ssl, for the interop tests.
%% server: prints "PORT <n>", echoes on every connection until standard input ends.
%% client: sends standard input's bytes (their number is given), reads as many back, writes them to standard output.
-mode(compile).

main(Args) ->
    %% OTP logs alerts to standard output, which belongs to the data here.
    ok = logger:set_primary_config(level, none),
    run(Args).

run(["server" | Args]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Opts = parse(Args),
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {reuseaddr, true}
                                  | tls(Opts)]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    spawn(fun() -> accept(Listen) end),
    io:get_line("");
run(["client", Port, Length | Args]) ->
    {ok, _} = application:ensure_all_started(ssl),
    io:setopts(standard_io, [binary, {encoding, latin1}]),
    Opts = parse(Args),
    N = list_to_integer(Length),
    Data = read(N),
    case ssl:connect({127,0,0,1}, list_to_integer(Port),
                     [binary, {active, false}, {verify, verify_peer} | tls(Opts)], 20000) of
        {ok, Socket} ->
            spawn_link(fun() -> ok = ssl:send(Socket, Data) end),
            {ok, Back} = ssl:recv(Socket, N, 30000),
            ok = file:write(standard_io, Back),
            ssl:close(Socket);
        {error, Reason} ->
            io:format(standard_error, "~p~n", [Reason]),
            halt(1)
    end.

accept(Listen) ->
    {ok, Transport} = ssl:transport_accept(Listen),
    Pid = spawn(fun() ->
        receive go -> ok end,
        case ssl:handshake(Transport, 20000) of
            {ok, Socket} -> echo(Socket);
            {error, Reason} -> io:format(standard_error, "~p~n", [Reason])
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

read(0) -> <<>>;
read(N) ->
    case file:read(standard_io, N) of
        {ok, Data} -> iolist_to_binary([Data, read(N - byte_size(Data))]);
        eof -> <<>>
    end.

parse(["--" ++ Key, Value | Rest]) -> [{list_to_atom(Key), Value} | parse(Rest)];
parse([]) -> [].

tls(Opts) -> lists:flatmap(fun tls_option/1, Opts).

tls_option({version, "both"}) -> [{versions, ['tlsv1.3', 'tlsv1.2']}];
tls_option({version, V}) -> [{versions, [list_to_atom(V)]}];
tls_option({certfile, F}) -> [{certfile, F}];
tls_option({keyfile, F}) -> [{keyfile, F}];
tls_option({cafile, F}) -> [{cacertfile, F}];
tls_option({requireclient, _}) -> [{verify, verify_peer}, {fail_if_no_peer_cert, true}];
tls_option({servername, "none"}) -> [{server_name_indication, disable}];
tls_option({servername, Name}) -> [{server_name_indication, Name}];
tls_option({suite, Name}) -> [{ciphers, [ssl:str_to_suite(Name)]}];
tls_option({groups, Names}) -> [{supported_groups, [list_to_atom(G) || G <- string:split(Names, ",", all)]}];
tls_option({eccs, Names}) -> [{eccs, [list_to_atom(G) || G <- string:split(Names, ",", all)]}];
tls_option({alpnserver, Names}) -> [{alpn_preferred_protocols, [list_to_binary(P) || P <- string:split(Names, ",", all)]}];
tls_option({alpnclient, Names}) -> [{alpn_advertised_protocols, [list_to_binary(P) || P <- string:split(Names, ",", all)]}].
