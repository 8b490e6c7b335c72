#!/usr/bin/env escript
%% -*- erlang -*-
%% OTP's own ssl with sessions of TLS 1.2 and before, for the interop tests.
%% client Port CaFile Version: connects, and twice again with the data of that session; prints which connections have the session id of the one before,
%%   and DONE.
%% server CertFile KeyFile Version: prints "PORT <n>", echoes on every connection; ends with its input.
-mode(compile).

main(Args) ->
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    run(Args).

run(["client", Port, CaFile, Name]) ->
    Version = list_to_atom(Name),
    Options = [binary, {active, false}, {verify, verify_peer}, {cacertfile, CaFile}, {versions, [Version]},
               {ciphers, ssl:cipher_suites(all, Version)}, {server_name_indication, "localhost"}],
    One = meet(list_to_integer(Port), [{reuse_sessions, save} | Options]),
    Two = meet(list_to_integer(Port), [{reuse_session, One} | Options]),
    Three = meet(list_to_integer(Port), [{reuse_session, One} | Options]),
    {Id, _} = One,
    io:format("SAME ~w~n", [[false, element(1, Two) =:= Id, element(1, Three) =:= Id]]),
    io:format("DONE~n");
run(["server", CertFile, KeyFile, Name]) ->
    Version = list_to_atom(Name),
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {certfile, CertFile}, {keyfile, KeyFile},
                                  {versions, [Version]}, {ciphers, ssl:cipher_suites(all, Version)}]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    spawn_link(fun() -> accept(Listen) end),
    io:get_line("").

meet(Port, Options) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, Port, Options, 20000),
    ok = ssl:send(Socket, <<"a line\n">>),
    {ok, _} = ssl:recv(Socket, 7, 20000),
    {ok, Told} = ssl:connection_information(Socket, [session_id, session_data]),
    %% OTP keeps a session a moment after its handshake.
    timer:sleep(300),
    ssl:close(Socket),
    {proplists:get_value(session_id, Told), proplists:get_value(session_data, Told)}.

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
