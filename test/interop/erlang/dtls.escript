#!/usr/bin/env escript
%% -*- erlang -*-
%% OTP's own ssl over datagrams, for tests of both ways.
%% server VERSION CERTFILE KEYFILE: prints "PORT <n>", echoes what comes, one connection after the other.
%%   A message "again" is answered when it has renegotiated, with what came of it.
%% client VERSION PORT CAFILE: connects, sends three messages, prints what comes back, closes.
%% again VERSION PORT CAFILE: connects, renegotiates and sends a message, both twice; prints what comes of it, closes.
%% twice VERSION PORT CAFILE: connects, and again with the data of that session; prints whether the session is the same.
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
    ssl:close(Socket);
run(["again", Version, Port, CaFile]) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, list_to_integer(Port), client_options(Version, CaFile), 20000),
    [begin
         io:format("~0p~n", [ssl:renegotiate(Socket)]),
         ok = ssl:send(Socket, Text),
         io:format("~0p~n", [ssl:recv(Socket, 0, 20000)]),
         timer:sleep(Pause)
     end || {Text, Pause} <- [{<<"one">>, 12500}, {<<"two">>, 0}]],
    ssl:close(Socket);
run(["twice", Version, Port, CaFile]) ->
    Options = client_options(Version, CaFile),
    {Id, Data} = meet(list_to_integer(Port), [{reuse_sessions, save} | Options]),
    {Other, _} = meet(list_to_integer(Port), [{reuse_session, {Id, Data}} | Options]),
    io:format("SAME ~w~n", [Id =:= Other]).

client_options(Version, CaFile) ->
    [binary, {protocol, dtls}, {versions, [list_to_atom(Version)]}, {active, false}, {verify, verify_peer},
     {cacertfile, CaFile}, {server_name_indication, "localhost"}].

meet(Port, Options) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, Port, Options, 20000),
    ok = ssl:send(Socket, <<"here">>),
    {ok, <<"here">>} = ssl:recv(Socket, 0, 20000),
    {ok, Told} = ssl:connection_information(Socket, [session_id, session_data]),
    %% OTP keeps a session a moment after its handshake.
    timer:sleep(300),
    ssl:close(Socket),
    {proplists:get_value(session_id, Told), proplists:get_value(session_data, Told)}.

accept(Listen) ->
    {ok, Transport} = ssl:transport_accept(Listen),
    case ssl:handshake(Transport, 20000) of
        {ok, Socket} -> echo(Socket);
        Error -> io:format("~0p~n", [Error])
    end,
    accept(Listen).

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, <<"again">>} ->
            Answer = ssl:renegotiate(Socket),
            ok = ssl:send(Socket, io_lib:format("~0p", [Answer])),
            echo(Socket);
        {ok, Data} -> ok = ssl:send(Socket, Data), echo(Socket);
        _ -> ok
    end.
