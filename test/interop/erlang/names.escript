#!/usr/bin/env escript
%% -*- erlang -*-
%% Options by server name and pauses after the hello, on OTP's own ssl, in the version that is named.
%% server <version> <cert> <key> <other cert> <other key>: sni_fun gives the other pair to other.example; the handshake
%%   pauses; prints the port, then the name in the client's hello and how the handshake ended, for one connection.
%% client <version> <port> <name> <cafile>: pauses; prints the sorted keys of what the server's hello says, goes on, prints
%%   how it ended and the CN of the server.
%% cancel <version> <port>: pauses and gives up; prints what that answers.
main([Mode, Version | Args]) ->
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    run(Mode, [{versions, [list_to_atom(Version)]}, {active, false}, {handshake, hello}], Args).

run("server", Common, [Cert, Key, OtherCert, OtherKey]) ->
    Fun = fun("other.example") -> [{certfile, OtherCert}, {keyfile, OtherKey}]; (_) -> undefined end,
    {ok, Listen} = ssl:listen(0, [{certfile, Cert}, {keyfile, Key}, {ip, {127,0,0,1}}, {sni_fun, Fun} | Common]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    {ok, Transport} = ssl:transport_accept(Listen),
    {ok, Socket, Ext} = ssl:handshake(Transport, 20000),
    io:format("~s~n", [maps:get(sni, Ext)]),
    case ssl:handshake_continue(Socket, [], 20000) of
        {ok, _} -> io:format("ok~n"), ssl:recv(Socket, 0, 20000);
        {error, Reason} -> io:format("~p~n", [Reason])
    end;
run("client", Common, [Port, Name, CaFile]) ->
    {ok, Socket, Ext} = ssl:connect({127,0,0,1}, list_to_integer(Port), [{server_name_indication, Name} | Common], 20000),
    io:format("~p~n", [lists:sort([K || {K, V} <- maps:to_list(Ext), V =/= undefined])]),
    {ok, _} = ssl:handshake_continue(Socket, [{verify, verify_peer}, {cacertfile, CaFile}], 20000),
    {ok, Der} = ssl:peercert(Socket),
    {rdnSequence, Names} = element(7, element(2, public_key:pkix_decode_cert(Der, otp))),
    [CN] = [Value || [{_, {2,5,4,3}, {_, Value}}] <- Names],
    io:format("~s~n", [CN]),
    ssl:close(Socket);
run("cancel", Common, [Port]) ->
    {ok, Socket, _} = ssl:connect({127,0,0,1}, list_to_integer(Port), [{verify, verify_none} | Common], 20000),
    io:format("~p~n", [ssl:handshake_cancel(Socket)]).
