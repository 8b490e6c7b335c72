#!/usr/bin/env escript
%% -*- erlang -*-
%%! +S 1:1 +SDio 1 -kernel logger_level emergency
%% OTP's ssl under the same load as the other sides of the benchmark: client and server in one node, one scheduler.
%% Reads commands from standard input, one a line, and answers each with one number a line:
%%   handshake MS   full handshakes per second
%%   resumed MS ticket|id   resumed handshakes per second, with a byte there and back; OTP has no tickets in TLS 1.2
%%   firstbyte resumed|early MS   ms by the clock from connect to the answer to one byte, a median
%%   bulk SIZE MS   MB/s, server to client, sends of SIZE bytes
%%   slow SIZE MS   the same while another connection is flooded whose peer reads slowly
%%   rtt SIZE MS    round trips per second of SIZE bytes
%%   crowd SIZE MS OPEN TALKING   the same with OPEN connections, through TALKING of them one after the other
%%   open COUNT     opens that many and keeps them: microseconds for each
%% Times are of processor time, the kernel's share included, as on the other sides: statistics(runtime) leaves it out.
%% The arguments are the PEM files: certificate, key, CA; then suite, group and version.
-mode(compile).

%% What a slow reader takes at a time, and the ms that it then rests: as in side.ts.
-define(SLOW_SIZE, 16384).
-define(SLOW_PAUSE, 10).
%% Bytes of bulk between two looks at the clock.
-define(ASK_EVERY, 4000000).

main([Cert, Key, Ca, Suite, Group, Version]) ->
    {ok, _} = application:ensure_all_started(ssl),
    persistent_term:put(arguments, [Cert, Key]),
    Common = [{versions, [list_to_atom(Version)]}, {ciphers, [ssl:str_to_suite(Suite)]}
              | of_version(Version, list_to_atom(Group))],
    {ok, Listen} = ssl:listen(0, [{certfile, Cert}, {keyfile, Key}, {ip, {127,0,0,1}},
                                  {reuseaddr, true}, {active, false} | of_listener(Version) ++ Common]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    Client = [{cacertfile, Ca}, {verify, verify_peer}, {server_name_indication, "localhost"},
              {active, false} | of_stream(Version) ++ Common],
    io:format("ready OTP ~s~n", [erlang:system_info(otp_release)]),
    loop(Listen, Port, Client).

of_listener("dtlsv1.2") -> [];
of_listener(Version) -> [{backlog, 512} | of_stream(Version)].

of_stream("dtlsv1.2") -> [];
of_stream(_) -> [{nodelay, true}].

%% With sessions that are used again the handshakes of TLS 1.2 would be short ones after the first.
of_version("tlsv1.3", Group) -> [binary, {supported_groups, [Group]}];
of_version("dtlsv1.2", Group) -> [{protocol, dtls}, {mode, binary} | lists:delete(binary, of_version("tlsv1.2", Group))];
of_version("tlsv1.2", Group) -> [binary, {eccs, [Group, secp256r1]}, {reuse_sessions, false}].

loop(Listen, Port, Client) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            Result = run(string:lexemes(string:trim(Line), " "), Listen, Port, Client),
            %% What still comes of closed connections would be scanned by every receive after.
            flush(),
            io:format("~w~n", [Result]),
            loop(Listen, Port, Client)
    end.

flush() ->
    receive _ -> flush() after 50 -> ok end.

run(["unseen", Ms], Listen, Port, Client) ->
    %% OTP verifies every chain anew.
    run(["handshake", Ms], Listen, Port, Client);
run(["cold", Ms], Listen, Port, Client) ->
    %% OTP verifies every chain anew.
    run(["handshake", Ms], Listen, Port, Client);
run(["handshake", Ms], Listen, Port, Client) ->
    Server = spawn_link(case proplists:get_value(protocol, Client) of
        dtls -> fun() -> patient_accept_loop(Listen) end;
        undefined -> fun() -> accept_loop(Listen) end
    end),
    Rate = rate(list_to_integer(Ms) * 1000, fun() ->
        {ok, S} = ssl:connect({127,0,0,1}, Port, Client, 5000),
        ssl:close(S)
    end),
    unlink(Server), exit(Server, kill),
    Rate;
run(["resumed", Ms, By], _, _, Client) ->
    case {By, proplists:get_value(versions, Client)} of
        {"ticket", ['tlsv1.2']} -> nan;
        {"id", ['tlsv1.2']} ->
            {Port, Back} = returning(Client),
            {Id, _} = Session = kept_session(Port, Back),
            Again = [{reuse_session, Session} | Back],
            rate(list_to_integer(Ms) * 1000, fun() -> Id = session_id(Port, Again) end);
        _ ->
            {Port, Back} = returning(Client),
            returned(Port, Back),
            %% Now and then a ticket has not reached OTP's store in time: the handshake is a full one then, and counts.
            rate(list_to_integer(Ms) * 1000, fun() -> returned(Port, Back) end)
    end;
run(["firstbyte", How, Ms], _, _, Client) ->
    {Port, Back} = returning(Client),
    returned(Port, Back),
    median_ms(list_to_integer(Ms) * 1000, cpu_us(), [], fun(Since) -> asked(How, Port, Back, Since) end);
run(["bulk", Size, Ms], Listen, Port, Client) ->
    {S, C} = pair(Listen, Port, Client),
    Chunk = binary:copy(<<"x">>, list_to_integer(Size)),
    Sender = spawn(fun() -> send_loop(S, Chunk) end),
    ok = ssl:controlling_process(S, Sender),
    ssl:setopts(C, [{active, true}]),
    Us = list_to_integer(Ms) * 1000,
    Rate = drain(C, 0, cpu_us(), Us, ?ASK_EVERY),
    exit(Sender, kill),
    ssl:close(C),
    Rate;
run(["slow", Size, Ms], Listen, Port, Client) ->
    {S, C} = pair(Listen, Port, Client),
    Chunk = binary:copy(<<"x">>, list_to_integer(Size)),
    Sender = spawn(fun() -> send_loop(S, Chunk) end),
    ok = ssl:controlling_process(S, Sender),
    Reader = spawn(fun() -> receive go -> read_slowly(C) end end),
    ok = ssl:controlling_process(C, Reader),
    Reader ! go,
    Rate = run(["bulk", Size, Ms], Listen, Port, Client),
    exit(Sender, kill),
    exit(Reader, kill),
    Rate;
run(["rtt", Size, Ms], Listen, Port, Client) ->
    {Echo, C} = echoing(Listen, Port, Client),
    N = list_to_integer(Size),
    Message = binary:copy(<<"x">>, N),
    Rate = rate(list_to_integer(Ms) * 1000, fun() -> ok = ssl:send(C, Message), back(C, N) end),
    exit(Echo, kill),
    ssl:close(C),
    Rate;
run(["crowd", Size, Ms, Open, Talking], Listen, Port, Client) ->
    Talkers = talkers(list_to_integer(Open), list_to_integer(Talking), Listen, Port, Client),
    N = list_to_integer(Size),
    Message = binary:copy(<<"x">>, N),
    put(next, 0),
    rate(list_to_integer(Ms) * 1000, fun() ->
        Next = put(next, get(next) + 1),
        C = element(Next rem tuple_size(Talkers) + 1, Talkers),
        ok = ssl:send(C, Message),
        back(C, N)
    end);
run(["open", Count], Listen, Port, Client) ->
    N = list_to_integer(Count),
    Start = cpu_us(),
    repeat(N, fun() -> keep(pair(Listen, Port, Client)) end),
    (cpu_us() - Start) / N.

%% A listener with tickets, whose connections answer a byte by one; and a client that keeps them.
returning(Client) ->
    Port = case get(returning) of
        undefined ->
            Self = self(),
            spawn(fun() ->
                {ok, Listen} = ssl:listen(0, welcoming(Client) ++ listening(Client)),
                {ok, {_, Made}} = ssl:sockname(Listen),
                Self ! {returning, Made},
                answer_loop(Listen)
            end),
            receive {returning, Made} -> put(returning, Made), Made end;
        Made -> Made
    end,
    {Port, coming(Client) ++ lists:keydelete(reuse_sessions, 1, Client)}.

welcoming(Client) ->
    case proplists:get_value(versions, Client) of
        ['tlsv1.2'] -> [{reuse_sessions, true}];
        _ -> [{session_tickets, stateless}, {anti_replay, '100k'}, {early_data, enabled}]
    end.

coming(Client) ->
    case proplists:get_value(versions, Client) of
        ['tlsv1.2'] -> [];
        _ -> [{session_tickets, auto}]
    end.

%% OTP 25's client finds none of its own sessions under `reuse_sessions`, and says of none that it was resumed: the id does.
kept_session(Port, Back) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, [{reuse_sessions, save} | Back], 5000),
    there_and_back(S),
    {ok, Told} = ssl:connection_information(S, [session_id, session_data]),
    %% OTP keeps a session a moment after its handshake.
    timer:sleep(300),
    ssl:close(S),
    {proplists:get_value(session_id, Told), proplists:get_value(session_data, Told)}.

session_id(Port, Back) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, Back, 5000),
    there_and_back(S),
    {ok, [{session_id, Id}]} = ssl:connection_information(S, [session_id]),
    ssl:close(S),
    Id.

there_and_back(S) ->
    ok = ssl:send(S, <<"q">>),
    {ok, _} = ssl:recv(S, 1, 5000).

listening(Client) ->
    [Cert, Key] = persistent_term:get(arguments),
    [{certfile, Cert}, {keyfile, Key}, {ip, {127,0,0,1}}, {backlog, 512}, {reuseaddr, true}
     | [Option || Option <- Client, not lists:member(name_of(Option), [cacertfile, verify, server_name_indication, reuse_sessions])]].

name_of({Name, _}) -> Name;
name_of(Name) -> Name.

answer_loop(Listen) ->
    {ok, T} = ssl:transport_accept(Listen),
    Pid = spawn(fun() ->
        receive go -> ok end,
        case ssl:handshake(T, 5000) of
            {ok, S} ->
                case ssl:recv(S, 1, 5000) of
                    {ok, _} -> ssl:send(S, <<"x">>), ssl:recv(S, 0, 5000), ssl:close(S);
                    _ -> ok
                end;
            _ -> ok
        end
    end),
    ok = ssl:controlling_process(T, Pid),
    Pid ! go,
    answer_loop(Listen).

%% Whether the connection was resumed.
returned(Port, Back) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, Back, 5000),
    there_and_back(S),
    {ok, [{session_resumption, Resumed}]} = ssl:connection_information(S, [session_resumption]),
    ssl:close(S),
    Resumed.

asked("resumed", Port, Back, Since) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, Back, 5000),
    ok = ssl:send(S, <<"q">>),
    answered(S, Since);
asked("early", Port, Back, Since) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, [{early_data, <<"q">>} | Back], 5000),
    receive
        {ssl, _, {early_data, accepted}} -> ok;
        {ssl, _, {early_data, rejected}} -> ssl:send(S, <<"q">>)
    after 5000 -> ok
    end,
    answered(S, Since).

%% Now and then OTP 25 cannot read its own server's answer to early data (bad_record_mac): such a one does not count.
answered(S, Since) ->
    Answer = ssl:recv(S, 1, 5000),
    Taken = erlang:monotonic_time(microsecond) - Since,
    ssl:close(S),
    case Answer of
        {ok, _} -> [Taken / 1000];
        {error, _} -> []
    end.

median_ms(Us, Start, Taken, Operation) ->
    More = Operation(erlang:monotonic_time(microsecond)) ++ Taken,
    case cpu_us() - Start >= Us andalso length(More) >= 10 of
        true -> lists:nth(length(More) div 2 + 1, lists:sort(More));
        false -> median_ms(Us, Start, More, Operation)
    end.

%% The crowd stays open: the next one is the same.
talkers(Open, Talking, Listen, Port, Client) ->
    case get(talkers) of
        undefined ->
            repeat(Open - Talking, fun() -> keep(pair(Listen, Port, Client)) end),
            Made = list_to_tuple([element(2, echoing(Listen, Port, Client)) || _ <- lists:seq(1, Talking)]),
            put(talkers, Made),
            Made;
        Made -> Made
    end.

keep(Pair) -> put(kept, [Pair | case get(kept) of undefined -> []; Kept -> Kept end]).

%% A process that sends back what it gets, and the client's end, whose messages come to us.
echoing(Listen, Port, Client) ->
    {S, C} = pair(Listen, Port, Client),
    Echo = spawn(fun() -> receive go -> echo(S) end end),
    ok = ssl:controlling_process(S, Echo),
    ok = ssl:setopts(S, [{active, true}]),
    Echo ! go,
    ok = ssl:setopts(C, [{active, true}]),
    {Echo, C}.

read_slowly(C) ->
    case ssl:recv(C, ?SLOW_SIZE) of
        {ok, _} -> timer:sleep(?SLOW_PAUSE), read_slowly(C);
        _ -> ok
    end.

accept_loop(Listen) ->
    {ok, T} = ssl:transport_accept(Listen),
    case ssl:handshake(T, 5000) of
        {ok, S} -> ssl:close(S);
        _ -> ok
    end,
    accept_loop(Listen).

%% Over datagrams a server that closes first, or at the same time, leaves OTP's next client without an answer.
patient_accept_loop(Listen) ->
    {ok, T} = ssl:transport_accept(Listen),
    Pid = spawn(fun() ->
        receive go -> ok end,
        case ssl:handshake(T, 5000) of
            {ok, S} -> ssl:recv(S, 0, 1000), ssl:close(S);
            _ -> ok
        end
    end),
    ok = ssl:controlling_process(T, Pid),
    Pid ! go,
    patient_accept_loop(Listen).

%% Operations per second until Us microseconds are used. Reading the clock is dear: ten times per measure.
rate(Us, Operation) -> rate(Us, Operation, cpu_us(), 0, 10).

rate(Us, Operation, Start, Count, Batch) ->
    repeat(Batch, Operation),
    Done = Count + Batch,
    case cpu_us() - Start of
        Spent when Spent >= Us -> Done * 1.0e6 / Spent;
        Spent when Spent =< 0 -> rate(Us, Operation, Start, Done, Batch);
        Spent -> rate(Us, Operation, Start, Done, max(1, round(Done * min(Us / 10, Us - Spent) / Spent)))
    end.

repeat(0, _) -> ok;
repeat(N, Operation) -> Operation(), repeat(N - 1, Operation).

pair(Listen, Port, Client) ->
    Self = self(),
    spawn(fun() ->
        {ok, T} = ssl:transport_accept(Listen),
        {ok, S} = ssl:handshake(T, 5000),
        ok = ssl:controlling_process(S, Self),
        Self ! {server, S}
    end),
    {ok, C} = ssl:connect({127,0,0,1}, Port, Client, 5000),
    receive {server, S} -> {S, C} end.

send_loop(S, Chunk) ->
    case ssl:send(S, Chunk) of
        ok -> send_loop(S, Chunk);
        _ -> ok
    end.

%% MB/s until Us microseconds are used.
drain(C, Bytes, Start, Us, Next) ->
    receive
        {ssl, C, Data} ->
            case Bytes + byte_size(Data) of
                Sum when Sum < Next -> drain(C, Sum, Start, Us, Next);
                Sum ->
                    case cpu_us() - Start of
                        Spent when Spent >= Us -> Sum / Spent;
                        _ -> drain(C, Sum, Start, Us, Sum + ?ASK_EVERY)
                    end
            end
    end.

echo(S) ->
    receive
        {ssl, S, Data} -> ok = ssl:send(S, Data), echo(S);
        _ -> ok
    end.

back(_, 0) -> ok;
back(C, N) -> receive {ssl, C, Data} -> back(C, N - byte_size(Data)) end.

%% Processor time of all threads: the first field of their schedstat, in ns.
cpu_us() ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    case lists:sum([thread_ns(Thread) || Thread <- Threads]) of
        0 -> error(no_schedstat);
        Ns -> Ns div 1000
    end.

thread_ns(Thread) ->
    case file:read_file("/proc/self/task/" ++ Thread ++ "/schedstat") of
        {ok, Line} -> binary_to_integer(hd(binary:split(Line, <<" ">>)));
        {error, _} -> 0
    end.
