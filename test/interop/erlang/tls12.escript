#!/usr/bin/env escript
%% -*- erlang -*-
%% What OTP's own ssl does in TLS 1.2, for tests that compare.
%% failures FILE: a term list of {Name, ServerOptions, ClientOptions}; prints what each side says of the handshake.
%% prf PORT CAFILE: connects, prints the randoms, the key log line and what ssl:prf makes of some arguments.
%% renegotiate PORT CAFILE VERSION: connects and asks for a renegotiation; prints the answer, and what an echo gives after it.
%% asked PORT CAFILE VERSION: connects, says "ready" (a HelloRequest that comes in one breath with the Finished it refuses),
%% and echoes five bytes.
%% renegotiating CERTFILE KEYFILE VERSION: prints "PORT <n>", asks its client for a renegotiation, prints the answer, echoes.
-mode(compile).

main(Args) ->
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    run(Args).

run(["failures", File]) ->
    {ok, [Cases]} = file:consult(File),
    lists:foreach(fun failure/1, Cases);
run(["prf", Port, CaFile]) ->
    Socket = connected(Port, CaFile, "tlsv1.2"),
    {ok, Info} = ssl:connection_information(Socket, [client_random, server_random, master_secret, keylog]),
    [io:format("~s ~s~n", [Key, hex(Value)]) || {Key, Value} <- Info, is_binary(Value)],
    io:format("keylog ~s~n", [proplists:get_value(keylog, Info)]),
    [io:format("prf ~s~n", [told(apply(ssl, prf, [Socket | Arguments]))]) || Arguments <- arguments()],
    io:get_line("");
run(["renegotiate", Port, CaFile, Version]) ->
    Socket = connected(Port, CaFile, Version),
    io:format("~0p~n", [ssl:renegotiate(Socket)]),
    ok = ssl:send(Socket, <<"after">>),
    io:format("~0p~n", [ssl:recv(Socket, 5, 20000)]),
    ssl:close(Socket);
run(["asked", Port, CaFile, Version]) ->
    Socket = connected(Port, CaFile, Version),
    ok = ssl:send(Socket, <<"ready">>),
    {ok, Data} = ssl:recv(Socket, 5, 20000),
    io:format("~0p~n", [{ok, Data}]),
    ok = ssl:send(Socket, Data),
    ssl:recv(Socket, 0, 20000);
run(["renegotiating", CertFile, KeyFile, Version]) ->
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {reuseaddr, true},
                                  {versions, [list_to_atom(Version)]}, {certfile, CertFile}, {keyfile, KeyFile}]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    {ok, Transport} = ssl:transport_accept(Listen),
    {ok, Socket} = ssl:handshake(Transport, 20000),
    io:format("~0p~n", [ssl:renegotiate(Socket)]),
    {ok, Data} = ssl:recv(Socket, 5, 20000),
    ok = ssl:send(Socket, Data),
    io:get_line("").

connected(Port, CaFile, Version) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, list_to_integer(Port),
                               [binary, {active, false}, {versions, [list_to_atom(Version)]}, {verify, verify_peer},
                                {cacertfile, CaFile}, {server_name_indication, "localhost"}], 20000),
    Socket.

arguments() ->
    [[master_secret, <<"EXPORTER-test">>, [client_random, server_random], 40],
     [master_secret, <<"label">>, [server_random, <<"more">>, client_random], 100],
     [<<"a secret of ours">>, <<"label">>, [<<"seed">>], 32],
     [<<>>, <<>>, [], 1],
     [master_secret, <<"label">>, [], 0]].

%% Of nothing OTP makes an empty list.
told({ok, Bytes}) -> hex(iolist_to_binary(Bytes));
told(Other) -> io_lib:format("~0p", [Other]).

hex(Bytes) -> string:lowercase(binary:encode_hex(Bytes)).

failure({Name, ServerOptions, ClientOptions}) ->
    Self = self(),
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {reuseaddr, true} | ServerOptions]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    spawn_link(fun() ->
        {ok, Transport} = ssl:transport_accept(Listen),
        Self ! {server, ssl:handshake(Transport, 20000)},
        timer:sleep(60000)
    end),
    Client = case ssl:connect({127,0,0,1}, Port, [binary, {active, false} | ClientOptions], 20000) of
        {ok, Connected} -> later(Connected);
        Refused -> Refused
    end,
    receive {server, Server} -> ok end,
    say(Name, "server", Server),
    say(Name, "client", Client),
    ssl:close(Listen).

%% A client may be done before the server refuses it: then its next call tells.
later(Socket) ->
    case ssl:recv(Socket, 0, 2000) of
        {error, timeout} -> {ok, Socket};
        Other -> Other
    end.

say(Name, Side, {error, {tls_alert, {Alert, Text}}}) ->
    [Line | _] = string:split(lists:flatten(Text), "\n"),
    io:format("~s|~s|~s|~s~n", [Name, Side, Alert, Line]);
say(Name, Side, {error, Reason}) -> io:format("~s|~s|~0p|~n", [Name, Side, Reason]);
say(Name, Side, {ok, _}) -> io:format("~s|~s|ok|~n", [Name, Side]).
