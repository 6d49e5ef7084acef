// The server compared with: gRPC's C++ asynchronous API, one completion queue, one thread, the same
// method and messages. It checks no identity, counts nothing and looks at no string.
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>

#include "taskrouter/queues/v1/queues.grpc.pb.h"

namespace q = taskrouter::queues::v1;

class Call
{
  public:
    Call(q::Queues::AsyncService *service, grpc::ServerCompletionQueue *queue)
        : service_(service), queue_(queue), responder_(&context_)
    {
        service_->RequestGetTaskQueue(&context_, &request_, &responder_, queue_, queue_, this);
    }

    void proceed(bool ok)
    {
        if (is_answered_ || !ok) {
            delete this;
            return;
        }
        is_answered_ = true;
        new Call(service_, queue_);
        reply_.set_sid(request_.sid());
        reply_.set_workspace_sid(request_.workspace_sid());
        reply_.set_version(1);
        responder_.Finish(reply_, grpc::Status::OK, this);
    }

  private:
    q::Queues::AsyncService *service_;
    grpc::ServerCompletionQueue *queue_;
    grpc::ServerContext context_;
    q::GetTaskQueueRequest request_;
    q::TaskQueue reply_;
    grpc::ServerAsyncResponseWriter<q::TaskQueue> responder_;
    bool is_answered_ = false;
};

int main()
{
    q::Queues::AsyncService service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr)
        return 1;
    for (int i = 0; i < 4; i++)
        new Call(&service, queue.get());
    std::thread loop([&queue] {
        void *tag = nullptr;
        bool ok = false;
        while (queue->Next(&tag, &ok))
            static_cast<Call *>(tag)->proceed(ok);
    });
    std::printf("%d\n", port);
    std::fflush(stdout);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    server->Shutdown();
    queue->Shutdown();
    loop.join();
    return 0;
}
