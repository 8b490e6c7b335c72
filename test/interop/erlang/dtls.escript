#!/usr/bin/env escript
%% -*- erlang -*-
%% OTP's own ssl over datagrams, for tests of both ways.
%% server VERSION CERTFILE KEYFILE: prints "PORT <n>", echoes what comes, one connection after the other.
%% client VERSION PORT CAFILE: connects, sends three messages, prints what comes back, closes.
-mode(compile).

main(Args) ->
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    run(Args).

run(["server", Version, CertFile, KeyFile]) ->
    {ok, Listen} = ssl:listen(0, [binary, {protocol, dtls}, {versions, [list_to_atom(Version)]}, {active, false},
                                  {ip, {127,0,0,1}}, {certfile, CertFile}, {keyfile, KeyFile}]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    accept(Listen);
run(["client", Version, Port, CaFile]) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, list_to_integer(Port),
                               [binary, {protocol, dtls}, {versions, [list_to_atom(Version)]}, {active, false},
                                {verify, verify_peer}, {cacertfile, CaFile}, {server_name_indication, "localhost"}],
                               20000),
    {ok, Info} = ssl:connection_information(Socket, [protocol]),
    io:format("~0p~n", [Info]),
    [begin
         ok = ssl:send(Socket, Text),
         io:format("~0p~n", [ssl:recv(Socket, 0, 20000)])
     end || Text <- [<<"one">>, <<"two">>, <<"three">>]],
    ssl:close(Socket).

accept(Listen) ->
    {ok, Transport} = ssl:transport_accept(Listen),
    case ssl:handshake(Transport, 20000) of
        {ok, Socket} -> echo(Socket);
        Error -> io:format("~0p~n", [Error])
    end,
    accept(Listen).

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, Data} -> ok = ssl:send(Socket, Data), echo(Socket);
        _ -> ok
    end.
