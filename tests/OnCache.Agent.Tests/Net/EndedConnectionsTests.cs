using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

public sealed class EndedConnectionsTests
{
    [Fact]
    public void What_the_kernel_did_not_take_leaves_room_for_what_ends_next()
    {
        var connections = EndedConnections.Open();
        connections.Dispose();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 1; i < EndedConnections.Batch; i++)
            {
                Add();
            }

            _ = Should.Throw<ObjectDisposedException>(Add);
        }

        void Add() => connections.Add(new ConnectionTuple(1, 2, 3, 4, 6), TcpConntrackState.Close, 10);
    }
}
